//! What counts as waiting and as kept, and in which order things are written.

use super::*;

const NOW: MonotonicMs = MonotonicMs(1_000);

/// Hands everything over and takes it to be written.
fn begin_write(outbox: &mut Outbox) -> Vec<ToWrite> {
    outbox.hand_over();
    outbox.take_to_write(NOW).unwrap()
}

fn end_write(outbox: &mut Outbox, batch: &[ToWrite], rows: &[u64]) -> Vec<RowKey> {
    assert_eq!(batch.len(), rows.len());
    let rows = rows.iter().copied().map(RowKey);
    outbox.written(batch.iter().map(|edit| edit.number).zip(rows))
}

fn updates(batch: &[ToWrite]) -> Vec<u8> {
    batch.iter().map(|edit| edit.update[0]).collect()
}

#[test]
fn an_edit_counts_as_waiting_from_the_key_press_to_the_acknowledgement() {
    let mut outbox = Outbox::default();
    outbox.edited(vec![1]);
    assert_eq!((outbox.waiting(), outbox.unkept()), (1, 1));
    assert_eq!(outbox.hand_over(), [vec![1]]);
    assert!(outbox.hand_over().is_empty(), "handed over once");
    assert_eq!((outbox.waiting(), outbox.unkept()), (1, 1));
    let batch = begin_write(&mut outbox);
    assert_eq!(
        (outbox.waiting(), outbox.unkept()),
        (1, 1),
        "being written is not written"
    );
    assert!(end_write(&mut outbox, &batch, &[7]).is_empty());
    assert_eq!((outbox.waiting(), outbox.unkept()), (1, 0));
    assert_eq!(outbox.acknowledged(1), [RowKey(7)]);
    assert_eq!(outbox.waiting(), 0);
}

#[test]
fn an_edit_that_the_server_has_before_this_device_waits_for_nobody_once_it_is_written() {
    let mut outbox = Outbox::default();
    outbox.edited(vec![1]);
    outbox.edited(vec![2]);
    let batch = begin_write(&mut outbox);
    assert_eq!(outbox.acknowledged(1), []);
    assert_eq!((outbox.waiting(), outbox.unkept()), (1, 1));
    assert!(outbox.is_writing());
    let overtaken = end_write(&mut outbox, &batch, &[1, 2]);
    assert_eq!(overtaken, [RowKey(1)]);
    assert_eq!((outbox.waiting(), outbox.unkept()), (1, 0));
    assert_eq!(outbox.acknowledged(1), [RowKey(2)]);
    assert!(!outbox.is_writing());
}

#[test]
fn each_key_is_written_at_once_until_the_disk_falls_behind_and_then_they_are_written_together() {
    let mut outbox = Outbox::default();
    let mut under_way = Vec::new();
    for edit in 0..WRITES_MAX {
        outbox.edited(vec![u8::try_from(edit).unwrap()]);
        under_way.push(begin_write(&mut outbox));
    }
    for edit in [10, 11] {
        outbox.edited(vec![edit]);
        outbox.hand_over();
        assert!(outbox.take_to_write(NOW).is_none());
    }
    assert_eq!(outbox.unkept(), WRITES_MAX + 2);
    end_write(&mut outbox, &under_way[0], &[1]);
    assert_eq!(updates(&outbox.take_to_write(NOW).unwrap()), [10, 11]);
}

#[test]
fn a_page_that_leaves_writes_everything_however_many_writes_are_under_way() {
    let mut outbox = Outbox::default();
    for edit in 0..=WRITES_MAX {
        outbox.edited(vec![u8::try_from(edit).unwrap()]);
        outbox.hand_over();
        let _ = outbox.take_to_write(NOW);
    }
    assert!(outbox.take_to_write(NOW).is_none());
    let last = outbox.take_all_to_write().unwrap();
    assert_eq!(updates(&last), [u8::try_from(WRITES_MAX).unwrap()]);
    assert!(outbox.take_all_to_write().is_none());
}

#[test]
fn an_edit_that_could_not_be_kept_is_never_called_kept_and_is_tried_again_before_later_ones() {
    let mut outbox = Outbox::default();
    outbox.edited(vec![1]);
    let first = begin_write(&mut outbox);
    outbox.edited(vec![2]);
    let second = begin_write(&mut outbox);
    assert_eq!(outbox.not_written(first, NOW), Lacking::Nothing);
    assert_eq!(outbox.not_written(second, NOW), Lacking::Nothing);
    outbox.edited(vec![3]);
    outbox.hand_over();
    assert_eq!((outbox.waiting(), outbox.unkept()), (3, 3));
    assert!(
        outbox.take_to_write(NOW).is_none(),
        "a full disk gets some rest"
    );
    let batch = outbox.take_to_write(NOW.plus_ms(RETRY_AFTER_MS)).unwrap();
    assert_eq!(updates(&batch), [1, 2, 3]);
    end_write(&mut outbox, &batch, &[5, 6, 7]);
    assert_eq!((outbox.waiting(), outbox.unkept()), (3, 0));
    assert_eq!(outbox.acknowledged(3), [RowKey(5), RowKey(6), RowKey(7)]);
}

#[test]
fn what_the_server_has_and_this_device_could_not_keep_is_not_piled_up() {
    let mut outbox = Outbox::default();
    outbox.edited(vec![1]);
    outbox.edited(vec![2]);
    let batch = begin_write(&mut outbox);
    assert_eq!(outbox.acknowledged(1), []);
    assert_eq!(
        outbox.not_written(batch, NOW),
        Lacking::Something,
        "the first is on the server and in no log"
    );
    assert_eq!((outbox.waiting(), outbox.unkept()), (1, 1));
    assert_eq!(outbox.acknowledged(1), []);
    assert_eq!(outbox.forget_acknowledged(), Lacking::Something);
    assert!(!outbox.is_writing());
    assert_eq!(outbox.forget_acknowledged(), Lacking::Nothing);
}

#[test]
fn a_log_that_was_cleared_is_not_called_kept_until_it_is_written_anew() {
    let mut outbox = Outbox::default();
    outbox.found([RowKey(1), RowKey(2)]);
    outbox.log_was_cleared();
    assert_eq!((outbox.waiting(), outbox.unkept()), (2, 2));
    outbox.edited(vec![3]);
    let batch = begin_write(&mut outbox);
    assert_eq!(outbox.kept_again(RowKey(7)), None);
    assert_eq!((outbox.waiting(), outbox.unkept()), (3, 1));
    end_write(&mut outbox, &batch, &[8]);
    assert_eq!(outbox.acknowledged(1), [], "the row holds another one");
    assert_eq!(outbox.acknowledged(1), [RowKey(7)]);
    assert_eq!(outbox.acknowledged(1), [RowKey(8)]);
    assert_eq!(outbox.kept_again(RowKey(9)), Some(RowKey(9)));
}

#[test]
fn acknowledgements_free_the_oldest_rows_first() {
    let mut outbox = Outbox::default();
    outbox.found([RowKey(3), RowKey(4)]);
    outbox.edited(vec![1]);
    let batch = begin_write(&mut outbox);
    end_write(&mut outbox, &batch, &[9]);
    assert_eq!(outbox.acknowledged(2), [RowKey(3), RowKey(4)]);
    assert_eq!(
        outbox.acknowledged(5),
        [RowKey(9)],
        "more than there are is no harm"
    );
}

#[test]
fn an_edit_of_a_tab_that_died_is_adopted_and_one_of_a_living_tab_is_not() {
    let mut outbox = Outbox::default();
    assert!(outbox.foreign_edit(RowKey(1), vec![1], NOW));
    assert!(outbox.foreign_edit(RowKey(2), vec![2], NOW));
    assert_eq!(outbox.waiting(), 2);
    outbox.foreign_acknowledged(&[RowKey(1)]);
    assert!(outbox.adopt(NOW.plus_ms(ADOPT_AFTER_MS - 1)).is_empty());
    assert_eq!(outbox.adopt(NOW.plus_ms(ADOPT_AFTER_MS)), [vec![2]]);
    assert_eq!(outbox.waiting(), 1, "adopted, and still not acknowledged");
    assert_eq!(outbox.acknowledged(1), [RowKey(2)]);
}

#[test]
fn a_row_that_was_loaded_is_not_counted_twice_when_its_tab_tells_of_it() {
    let mut outbox = Outbox::default();
    outbox.found([RowKey(5)]);
    assert!(!outbox.foreign_edit(RowKey(5), vec![1], NOW));
    assert_eq!(outbox.waiting(), 1);
}

#[test]
fn a_word_that_is_composed_counts_and_is_kept_like_any_edit_and_is_handed_over_when_it_is_whole() {
    let mut outbox = Outbox::default();
    outbox.hold(vec![1]);
    assert_eq!((outbox.waiting(), outbox.unkept()), (1, 1));
    let batch = outbox.take_to_write(NOW).unwrap();
    end_write(&mut outbox, &batch, &[7]);
    assert!(outbox.is_held(RowKey(7)));
    assert_eq!((outbox.waiting(), outbox.unkept()), (1, 0));
    assert!(outbox.hand_over().is_empty(), "nobody sees half a word");
    assert!(
        !outbox.foreign_edit(RowKey(7), vec![1], NOW),
        "its row is no other tab's"
    );

    outbox.hold(vec![2]);
    let row = Some(RowKey(7));
    let [first, second] = [(1, row), (2, None)].map(|(edit, row)| Released {
        update: vec![edit],
        row,
    });
    assert_eq!(outbox.release(), [first, second]);
    assert!(outbox.release().is_empty(), "released once");
    let batch = outbox.take_to_write(NOW).unwrap();
    end_write(&mut outbox, &batch, &[8]);
    assert!(!outbox.is_held(RowKey(8)));
    assert_eq!(outbox.acknowledged(2), [RowKey(7), RowKey(8)]);
    assert_eq!(outbox.waiting(), 0);
}

#[test]
fn a_composed_word_that_could_not_be_kept_or_was_cleared_is_not_called_kept() {
    let mut outbox = Outbox::default();
    outbox.hold(vec![1]);
    let batch = outbox.take_to_write(NOW).unwrap();
    assert_eq!(outbox.not_written(batch, NOW), Lacking::Nothing);
    assert_eq!((outbox.waiting(), outbox.unkept()), (1, 1));
    let batch = outbox.take_to_write(NOW.plus_ms(RETRY_AFTER_MS)).unwrap();
    end_write(&mut outbox, &batch, &[3]);
    assert_eq!(outbox.unkept(), 0);
    outbox.log_was_cleared();
    assert_eq!((outbox.waiting(), outbox.unkept()), (1, 1));
    assert_eq!(outbox.kept_again(RowKey(4)), None);
    assert_eq!(outbox.unkept(), 0);
    assert_eq!(outbox.release()[0].row, Some(RowKey(4)));
}
