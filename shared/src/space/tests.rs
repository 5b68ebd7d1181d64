//! The page tree, alone and with others.

use super::*;
use crate::ids::ReplicaId;
use crate::replica::Origin;
use crate::testing::Chance;

const LOCAL: Origin = Origin::Local;

fn id(number: u128) -> PageId {
    PageId::from_bits(number)
}

fn new_page(number: u128, parent: Option<u128>) -> NewPage {
    NewPage {
        id: id(number),
        title: format!("page {number}"),
        parent: parent.map(id),
        place: Place::Last,
        created_by: "Ada".to_owned(),
        created_at: UnixMs(1_700_000_000_000),
    }
}

/// A space with pages 1 2 3 at the top and 4 5 under 2.
fn space() -> Replica {
    let mut replica = Replica::new(ReplicaId(1));
    for (number, parent) in [(1, None), (2, None), (3, None), (4, Some(2)), (5, Some(2))] {
        create(&mut replica, LOCAL, &new_page(number, parent)).unwrap();
    }
    replica
}

fn copy_of(replica: &Replica, as_id: u32) -> Replica {
    let mut copy = Replica::new(ReplicaId(as_id));
    copy.apply(&replica.encode(), Origin::Remote).unwrap();
    copy
}

fn exchange(a: &mut Replica, b: &mut Replica) {
    let for_b = a.missing_for(&b.version()).unwrap();
    let for_a = b.missing_for(&a.version()).unwrap();
    a.apply(&for_a, Origin::Remote).unwrap();
    b.apply(&for_b, Origin::Remote).unwrap();
    assert_eq!(a.canonical(), b.canonical());
    assert_eq!(read(a), read(b));
}

/// `1 2(4 5) 3`, the bin behind a bar.
fn draw(replica: &Replica) -> String {
    let tree = read(replica);
    let mut drawn = String::new();
    let mut depth = 0;
    for (at, page) in tree.walk() {
        if at > depth {
            drawn.push('(');
        } else {
            drawn.push_str(&")".repeat(depth - at));
            if !drawn.is_empty() {
                drawn.push(' ');
            }
        }
        depth = at;
        drawn.push_str(&number(page).to_string());
    }
    drawn.push_str(&")".repeat(depth));
    if !tree.bin().is_empty() {
        let bin: Vec<String> = tree
            .bin()
            .iter()
            .map(|id| number(*id).to_string())
            .collect();
        drawn.push_str(&format!(" | {}", bin.join(" ")));
    }
    drawn
}

fn number(id: PageId) -> u128 {
    (0..1000)
        .find(|number| PageId::from_bits(*number) == id)
        .unwrap()
}

#[test]
fn pages_stand_where_they_were_put() {
    let mut replica = space();
    assert_eq!(draw(&replica), "1 2(4 5) 3");
    let page = read(&replica).page(id(4)).unwrap().clone();
    assert_eq!((&*page.title, page.parent), ("page 4", Some(id(2))));
    assert_eq!(page.created_by.as_deref(), Some("Ada"));
    assert_eq!(page.created_at, Some(UnixMs(1_700_000_000_000)));
    for (page, parent, place, drawn) in [
        (3, None, Place::First, "3 1 2(4 5)"),
        (3, None, Place::After(id(1)), "1 3 2(4 5)"),
        (1, None, Place::Before(id(2)), "3 1 2(4 5)"),
        (5, Some(2), Place::First, "3 1 2(5 4)"),
        (1, Some(5), Place::Last, "3 2(5(1) 4)"),
        (4, None, Place::Before(id(1)), "3 2(5(1)) 4"),
    ] {
        move_page(&mut replica, LOCAL, id(page), parent.map(id), place).unwrap();
        assert_eq!(draw(&replica), drawn);
    }
    assert_eq!(read(&replica).path(id(1)), [id(2), id(5)]);
}

#[test]
fn what_cannot_be_done_changes_nothing() {
    let mut replica = space();
    let before = replica.canonical();
    let into = |replica: &mut Replica, page, parent| {
        move_page(replica, LOCAL, id(page), Some(id(parent)), Place::Last)
    };
    assert_eq!(into(&mut replica, 2, 2), Err(SpaceError::IntoItself));
    assert_eq!(into(&mut replica, 2, 4), Err(SpaceError::IntoItself));
    assert_eq!(into(&mut replica, 9, 2), Err(SpaceError::NoSuchPage));
    assert_eq!(into(&mut replica, 2, 9), Err(SpaceError::NoSuchPage));
    assert_eq!(
        create(&mut replica, LOCAL, &new_page(2, None)),
        Err(SpaceError::Exists)
    );
    assert_eq!(
        create(&mut replica, LOCAL, &new_page(8, Some(9))),
        Err(SpaceError::NoSuchPage)
    );
    let long = "x".repeat(501);
    assert_eq!(
        set_title(&mut replica, LOCAL, id(1), &long),
        Err(SpaceError::TitleTooLong)
    );
    assert_eq!(
        set_icon(&mut replica, LOCAL, id(1), Some(&long)),
        Err(SpaceError::IconTooLong)
    );
    assert_eq!(
        set_title(&mut replica, LOCAL, id(9), "x"),
        Err(SpaceError::NoSuchPage)
    );
    assert_eq!(
        restore(&mut replica, LOCAL, id(9)),
        Err(SpaceError::NoSuchPage)
    );
    assert_eq!(
        delete_for_good(&mut replica, LOCAL, id(9)),
        Err(SpaceError::NoSuchPage)
    );
    assert_eq!(set_title(&mut replica, LOCAL, id(1), "page 1"), Ok(None));
    assert_eq!(set_icon(&mut replica, LOCAL, id(1), None), Ok(None));
    let beside_itself = Place::Before(id(1));
    assert_eq!(
        move_page(&mut replica, LOCAL, id(1), None, beside_itself),
        Ok(None)
    );
    assert_eq!(replica.canonical(), before);
}

#[test]
fn a_binned_page_takes_all_below_it_along_and_brings_it_back() {
    let mut replica = space();
    bin(&mut replica, LOCAL, id(5), UnixMs(1)).unwrap();
    bin(&mut replica, LOCAL, id(2), UnixMs(2)).unwrap();
    assert_eq!(draw(&replica), "1 3 | 2 5");
    assert!(read(&replica).is_binned(id(4)));
    assert_eq!(read(&replica).children(Some(id(2))), [id(4)]);
    restore(&mut replica, LOCAL, id(2)).unwrap();
    assert_eq!(draw(&replica), "1 2(4) 3 | 5");
    bin(&mut replica, LOCAL, id(2), UnixMs(3)).unwrap();
    restore(&mut replica, LOCAL, id(5)).unwrap();
    assert_eq!(draw(&replica), "1 3 5 | 2");
    delete_for_good(&mut replica, LOCAL, id(2)).unwrap();
    assert_eq!(draw(&replica), "1 3 5");
    assert_eq!(read(&replica).page(id(4)), None);
}

#[test]
fn pages_moved_into_each_other_at_once_stay_visible_and_equal_everywhere() {
    let mut here = space();
    let mut there = copy_of(&here, 2);
    move_page(&mut here, LOCAL, id(1), Some(id(3)), Place::Last).unwrap();
    move_page(&mut there, LOCAL, id(3), Some(id(1)), Place::Last).unwrap();
    exchange(&mut here, &mut there);
    assert_eq!(draw(&here), "1(3) 2(4 5)");
    // And out of it again by an ordinary move.
    move_page(&mut here, LOCAL, id(3), None, Place::First).unwrap();
    assert_eq!(draw(&here), "3 1 2(4 5)");
}

#[test]
fn a_page_put_below_one_that_is_deleted_meanwhile_comes_to_the_top() {
    let mut here = space();
    let mut there = copy_of(&here, 2);
    delete_for_good(&mut here, LOCAL, id(2)).unwrap();
    create(&mut there, LOCAL, &new_page(6, Some(4))).unwrap();
    move_page(&mut there, LOCAL, id(3), Some(id(2)), Place::First).unwrap();
    exchange(&mut here, &mut there);
    let mut top = read(&here).children(None).to_vec();
    top.sort_unstable();
    assert_eq!(top, [id(1), id(3), id(6)]);
}

#[test]
fn two_people_naming_a_page_at_once_keep_each_others_letters() {
    let mut here = space();
    let mut there = copy_of(&here, 2);
    set_title(&mut here, LOCAL, id(1), "my page 1").unwrap();
    set_title(&mut there, LOCAL, id(1), "page 1 🎉").unwrap();
    exchange(&mut here, &mut there);
    assert_eq!(read(&here).page(id(1)).unwrap().title, "my page 1 🎉");
}

#[test]
fn two_pages_put_at_one_place_at_once_can_be_told_apart_and_parted() {
    let mut here = space();
    let mut there = copy_of(&here, 2);
    let put = |replica: &mut Replica, number| {
        let page = NewPage {
            place: Place::After(id(1)),
            ..new_page(number, None)
        };
        create(replica, LOCAL, &page).unwrap();
    };
    put(&mut here, 6);
    put(&mut there, 7);
    exchange(&mut here, &mut there);
    assert_eq!(draw(&here), "1 6 7 2(4 5) 3");
    let page = NewPage {
        place: Place::Before(id(7)),
        ..new_page(8, None)
    };
    create(&mut here, LOCAL, &page).unwrap();
    assert_eq!(draw(&here), "1 6 8 7 2(4 5) 3");
}

#[test]
fn thousands_of_moves_to_one_place_keep_ranks_short() {
    let mut replica = space();
    for turn in 0..4000_u32 {
        let (page, place) = match turn % 2 {
            0 => (1, Place::Before(id(3))),
            _ => (2, Place::Before(id(3))),
        };
        move_page(&mut replica, LOCAL, id(page), None, place).unwrap();
        if turn % 500 == 0 {
            let longest = read(&replica).pages().map(|page| page.rank.len()).max();
            assert!(longest <= Some(rank::RANK_CHARS_MAX), "{longest:?}");
        }
    }
    assert_eq!(draw(&replica), "1 2(4 5) 3");
}

#[test]
fn odd_entries_of_other_programs_are_passed_over_and_left_alone() {
    use yrs::{MapPrelim, WriteTxn as _};
    let mut replica = space();
    replica.transact(Origin::Remote, |txn| {
        let pages = txn.get_or_insert_map(PAGES);
        pages.insert(txn, "not an id", MapPrelim::default());
        pages.insert(txn, id(20).to_string(), 7);
        let odd = pages.insert(txn, id(21).to_string(), MapPrelim::default());
        odd.insert(txn, "title", 7);
        odd.insert(txn, "rank", 7);
        odd.insert(txn, "parent", "nowhere");
        odd.insert(txn, "trashed_at_ms", "yes");
        odd.insert(txn, "icon", "x".repeat(100));
        let titled = pages.insert(txn, id(22).to_string(), MapPrelim::default());
        titled.insert(txn, "title", "two\nlines");
        titled.insert(txn, "rank", "zz");
    });
    assert_eq!(draw(&replica), "21 1 2(4 5) 3 22");
    let tree = read(&replica);
    assert_eq!(tree.page(id(22)).unwrap().title, "two lines");
    assert_eq!(tree.page(id(21)).unwrap().icon, None);
    // A rank that is none makes no room: the siblings get new ones, in the order they were drawn in.
    let page = NewPage {
        place: Place::First,
        ..new_page(6, None)
    };
    create(&mut replica, LOCAL, &page).unwrap();
    assert_eq!(draw(&replica), "6 21 1 2(4 5) 3 22");
    set_title(&mut replica, LOCAL, id(21), "named").unwrap();
    assert_eq!(read(&replica).page(id(21)).unwrap().title, "named");
}

/// One random edit; what it refuses is fine.
fn random_edit(chance: &mut Chance, replica: &mut Replica, fresh: &mut u128) {
    let tree = read(replica);
    let known: Vec<PageId> = tree.pages().map(|page| page.id).collect();
    let any = |chance: &mut Chance| {
        if known.is_empty() {
            id(0)
        } else {
            *chance.one_of(&known)
        }
    };
    let page = any(chance);
    let parent = chance.coin().then(|| any(chance));
    let place = match chance.below(4) {
        0 => Place::First,
        1 => Place::Last,
        2 => Place::Before(any(chance)),
        _ => Place::After(any(chance)),
    };
    let _ = match chance.weighted(&[4, 2, 6, 2, 2, 1, 1]) {
        0 => {
            *fresh += 1;
            let page = NewPage {
                parent,
                place,
                ..new_page(*fresh, None)
            };
            create(replica, LOCAL, &page)
        }
        1 => set_title(replica, LOCAL, page, &format!("t{}", chance.below(99))),
        2 => move_page(replica, LOCAL, page, parent, place),
        3 => bin(replica, LOCAL, page, UnixMs(chance.below(1000))),
        4 => restore(replica, LOCAL, page),
        5 => delete_for_good(replica, LOCAL, page),
        _ => set_icon(replica, LOCAL, page, Some("🎉")),
    };
}

#[test]
fn any_concurrent_changes_leave_every_copy_with_the_same_tree_and_every_page_in_it() {
    for seed in 0..40 {
        let mut chance = Chance::new(seed);
        let mut replicas: Vec<Replica> = (1..=3).map(|id| Replica::new(ReplicaId(id))).collect();
        let mut fresh = 0;
        for _ in 0..6 {
            for replica in &mut replicas {
                for _ in 0..chance.below(6) {
                    random_edit(&mut chance, replica, &mut fresh);
                }
            }
            let updates: Vec<Vec<u8>> = replicas.iter().map(Replica::encode).collect();
            for replica in &mut replicas {
                let mut order: Vec<usize> = (0..updates.len()).chain(0..updates.len()).collect();
                chance.shuffle(&mut order);
                for from in order {
                    replica.apply(&updates[from], Origin::Remote).unwrap();
                }
            }
        }
        let tree = read(&replicas[0]);
        for replica in &replicas {
            assert_eq!(read(replica), tree, "seed {seed}");
            assert_eq!(replica.canonical(), replicas[0].canonical(), "seed {seed}");
        }
        // Drawn once, or in the bin by itself or below a page that is.
        let mut drawn: Vec<PageId> = tree.walk().into_iter().map(|(_, id)| id).collect();
        let binned = tree
            .pages()
            .filter(|page| tree.is_binned(page.id))
            .map(|page| page.id);
        drawn.extend(binned);
        drawn.sort_unstable();
        let all: Vec<PageId> = tree.pages().map(|page| page.id).collect();
        assert_eq!(drawn, all, "seed {seed}");
    }
}

#[test]
fn trees_of_several_spaces_stand_one_behind_the_other_and_a_page_in_two_of_them_once() {
    let mut first = read(&space());
    let mut other = Replica::new(ReplicaId(9));
    for (number, parent) in [(8, None), (9, Some(8)), (2, None), (7, Some(2))] {
        create(&mut other, LOCAL, &new_page(number, parent)).unwrap();
    }
    set_title(&mut other, LOCAL, id(2), "taken").unwrap();
    bin(&mut other, LOCAL, id(9), UnixMs(1)).unwrap();
    first.join(&read(&other));
    let walked: Vec<_> = first.walk().into_iter().collect();
    let expected = [(0, 1), (0, 2), (1, 4), (1, 5), (1, 7), (0, 3), (0, 8)];
    assert_eq!(walked, expected.map(|(depth, page)| (depth, id(page))));
    assert_eq!(first.page(id(2)).unwrap().title, "page 2");
    assert_eq!(first.bin(), [id(9)]);
    assert!(first.is_binned(id(9)));
}

#[test]
fn a_tree_of_titles_keeps_the_order_they_were_told_in() {
    let told = [
        (5, "Plan", None),
        (3, "Later", None),
        (4, "Part\n", Some(5)),
    ];
    let tree = Tree::of_titles(
        told.map(|(page, title, parent)| (id(page), title.to_owned(), parent.map(id))),
    );
    assert_eq!(tree.walk(), [(0, id(5)), (1, id(4)), (0, id(3))]);
    assert_eq!(tree.page(id(4)).unwrap().title, "Part ");
}
