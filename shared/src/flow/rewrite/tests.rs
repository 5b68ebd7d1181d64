//! What rewriting a page must keep.

use std::time::Instant;

use super::*;
use crate::flow::{apply_delta, length, read};
use crate::ids::ReplicaId;
use crate::markdown;
use crate::markdown::tests::flows::random_flow;
use crate::testing::chance::Chance;
use crate::testing::document::document;
use crate::testing::picture::draw;

fn page_of(flow: &[DeltaOp]) -> Replica {
    let mut page = Replica::new(ReplicaId(1));
    apply_delta(&mut page, Origin::Local, flow).unwrap();
    page
}

fn flow(source: &str) -> Vec<DeltaOp> {
    markdown::read(source).unwrap()
}

/// Writes `source` over the page as a program does that holds the page as Markdown.
fn write(page: &mut Replica, source: &str) -> Option<Vec<u8>> {
    let said = flow(&markdown::write(&read(page)));
    rewrite(page, Origin::Local, &flow(source), Some(&said)).unwrap()
}

/// Units that a change puts in and takes away.
fn touched(change: &[DeltaOp]) -> (u32, u32) {
    change.iter().fold((0, 0), |(put, dropped), op| match op {
        DeltaOp::Insert(content, _) => (put + content.length(), dropped),
        DeltaOp::Delete(units) => (put, dropped + units),
        DeltaOp::Retain(..) => (put, dropped),
    })
}

/// Letters that stand in both in the same order: as many as there can be.
fn most_in_common(old: &str, new: &str) -> u32 {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let mut row = vec![0; new.len() + 1];
    for left in &old {
        let mut corner = 0;
        for (at, right) in new.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = if left == right {
                corner + 1
            } else {
                above.max(row[at])
            };
            corner = above;
        }
    }
    row[new.len()]
}

#[test]
fn a_page_says_exactly_what_was_wanted_whatever_it_said_before() {
    for seed in 0..400 {
        let mut chance = Chance::new(seed);
        let (old, new) = (random_flow(&mut chance), random_flow(&mut chance));
        // Half of them share some blocks.
        let mut wanted = new.clone();
        if chance.coin() {
            wanted = old.clone();
            for _ in 0..chance.index_below(4) {
                let at = chance.index_below(wanted.len() + 1);
                wanted.insert(at, chance.one_of(&new).clone());
                wanted.remove(chance.index_below(wanted.len()));
            }
        }
        let wanted = block::to_delta(&wanted);
        let mut before = block::to_delta(&old);
        if chance.coin()
            && let Some(DeltaOp::Insert(Content::Text(text), _)) = before.last_mut()
            && text.len() > 1
        {
            // Other programs leave the last newline out.
            text.pop();
        }
        let mut page = page_of(&before);
        rewrite(&mut page, Origin::Local, &wanted, None).unwrap();
        let (shown, meant) = (read(&page), block::from_delta(&wanted));
        assert!(
            says_same(&shown, &meant),
            "seed {seed}\nwas\n{}\nis\n{}\nwanted\n{}",
            draw(&block::from_delta(&before)),
            draw(&shown),
            draw(&meant)
        );
        let again = rewrite(&mut page, Origin::Local, &wanted, None).unwrap();
        assert_eq!(again, None, "seed {seed}: it says so already");
    }
}

#[test]
fn writing_a_page_its_own_markdown_changes_nothing() {
    let mut pages: Vec<Vec<DeltaOp>> = (0..200)
        .map(|seed| block::to_delta(&random_flow(&mut Chance::new(seed))))
        .collect();
    pages.extend((0..3).map(|seed| flow(&document(seed, 20_000).source)));
    // What Markdown has no words for: facts nobody knows, names of code blocks, empty lines at the end.
    pages.push(vec![
        DeltaOp::text_with(
            "word",
            delta::attrs([("comment", "7".into()), ("bold", true.into())]),
        ),
        DeltaOp::text_with("\n", delta::attrs([("unknown", 1.into())])),
        DeltaOp::text("let a"),
        DeltaOp::text_with(
            "\n",
            delta::attrs([("code-block", "rust".into()), ("fence", "x9".into())]),
        ),
        DeltaOp::text("see https://example.org/a\n\n\n"),
    ]);
    pages.push(Vec::new());
    for (number, flow) in pages.iter().enumerate() {
        let mut page = page_of(flow);
        let before = page.canonical();
        let source = markdown::write(&read(&page));
        assert_eq!(write(&mut page, &source), None, "page {number}:\n{source}");
        assert_eq!(page.canonical(), before);
    }
}

#[test]
fn what_markdown_has_no_words_for_survives_a_change_elsewhere() {
    let mut page = page_of(&[
        DeltaOp::text("first "),
        DeltaOp::text_with("word", delta::attrs([("comment", "7".into())])),
        DeltaOp::text_with("\n", delta::attrs([("unknown", 1.into())])),
        DeltaOp::text("let a"),
        DeltaOp::text_with(
            "\n",
            delta::attrs([("code-block", "rust".into()), ("fence", "x9".into())]),
        ),
        DeltaOp::text("last\n\n\n"),
    ]);
    let source = markdown::write(&read(&page));
    let changed = source.replace("first", "1st").replace("let a", "let b");
    write(&mut page, &changed).unwrap();
    assert_eq!(
        to_delta(&page),
        [
            DeltaOp::text("1st "),
            DeltaOp::text_with("word", delta::attrs([("comment", "7".into())])),
            DeltaOp::text_with("\n", delta::attrs([("unknown", 1.into())])),
            DeltaOp::text("let b"),
            DeltaOp::text_with(
                "\n",
                delta::attrs([("code-block", "rust".into()), ("fence", "x9".into())])
            ),
            DeltaOp::text("last\n\n\n"),
        ]
    );
    assert_eq!(markdown::write(&read(&page)), changed);
}

#[test]
fn one_change_in_a_text_touches_no_more_letters_than_it_must() {
    let mut chance = Chance::new(3);
    for case in 0..300 {
        let length = 1 + chance.index_below(200);
        let text: Vec<char> = chance.text(length).chars().filter(char::is_ascii).collect();
        let from = chance.index_below(text.len() + 1);
        let to = (from + chance.index_below(12)).min(text.len());
        let length = chance.index_below(12);
        let put: String = chance.text(length).chars().filter(char::is_ascii).collect();
        let old: String = text.iter().collect();
        let new = format!(
            "{}{put}{}",
            text[..from].iter().collect::<String>(),
            text[to..].iter().collect::<String>()
        );
        let (old_flow, new_flow) = (
            [DeltaOp::text(old.clone() + "\n")],
            [DeltaOp::text(new.clone() + "\n")],
        );
        let (inserted, deleted) = touched(&change(&old_flow, &new_flow, None));
        // Words are kept whole or not at all, so at most as much as was really replaced may be found twice.
        let replaced = (to - from) as u32 + put.len() as u32;
        assert!(
            inserted + deleted <= replaced,
            "case {case}: {old:?} to {new:?}"
        );
        let least = old.len() as u32 - most_in_common(&old, &new);
        assert!(deleted >= least);
    }
}

#[test]
fn changed_words_here_and_there_leave_all_others_alone() {
    let mut chance = Chance::new(11);
    for case in 0..60 {
        let words: Vec<String> = (0..120)
            .map(|_| format!("{:x}", chance.below(4_000)))
            .collect();
        let mut changed = words.clone();
        let mut expected = 0;
        for _ in 0..chance.index_below(8) {
            let at = chance.index_below(changed.len());
            // The word and what comes for it, and a blank between two that stand side by side.
            expected += changed[at].len() as u32 + 3 + 2;
            changed[at] = "new".to_owned();
        }
        let text = |words: &[String]| -> String {
            words.chunks(12).map(|line| line.join(" ") + "\n").collect()
        };
        let (old, new) = (text(&words), text(&changed));
        let (inserted, deleted) = touched(&change(
            &[DeltaOp::text(old.clone())],
            &[DeltaOp::text(new.clone())],
            None,
        ));
        assert!(inserted + deleted <= expected, "case {case}");
        let least = old.len() as u32 - most_in_common(&old, &new);
        assert!(
            deleted >= least && deleted <= least + expected,
            "case {case}"
        );
    }
}

#[test]
fn a_mark_or_a_kind_is_changed_without_writing_a_letter_anew() {
    for (old, new) in [
        ("one two three", "one **two** three"),
        ("one **two** three", "one two *three*"),
        ("a line", "# a line"),
        ("- item\n- other", "- [ ] item\n- other"),
        ("> said", "said"),
        (
            "[word](https://example.org/a)",
            "[word](https://example.org/b)",
        ),
        ("![a cat](/cat.png)", "![the cat](/cat.png)"),
    ] {
        let mut page = page_of(&flow(old));
        let change = change(&to_delta(&page), &flow(new), None);
        assert_eq!(touched(&change).1, 0, "{old} to {new}: {change:?}");
        assert!(touched(&change).0 <= 1, "{old} to {new}: {change:?}");
        write(&mut page, new).unwrap();
        assert!(says_same(&read(&page), &block::from_delta(&flow(new))));
    }
}

#[test]
fn a_block_that_is_cut_in_two_or_joined_keeps_its_words() {
    let (one, two) = (
        flow("Some words. And others."),
        flow("Some words.\n\nAnd others."),
    );
    assert_eq!(touched(&change(&one, &two, None)), (1, 1));
    assert_eq!(touched(&change(&two, &one, None)), (1, 1));
}

#[test]
fn no_character_is_cut_in_its_middle() {
    for (old, new) in [
        ("👩‍👩‍👧 here", "👩‍👩‍👦 here"),
        ("e\u{301}a", "e\u{300}a"),
        ("🇩🇪🇫🇷", "🇩🇰🇫🇷"),
        ("👍🏽", "👍"),
        ("中文字", "中文学"),
    ] {
        let change = change(&[DeltaOp::text(old)], &[DeltaOp::text(new)], None);
        let graphemes: Vec<&str> = new.graphemes(true).collect();
        for op in &change {
            if let DeltaOp::Insert(Content::Text(text), _) = op {
                for part in text.graphemes(true) {
                    assert!(graphemes.contains(&part), "{old} to {new}: {change:?}");
                }
            }
        }
    }
}

#[test]
fn what_others_type_meanwhile_survives_where_nothing_was_changed() {
    for seed in 0..100 {
        let mut chance = Chance::new(seed);
        let source = document(seed, 4_000).source;
        let mut here = page_of(&flow(&source));
        let mut there = Replica::new(ReplicaId(2));
        there.apply(&here.encode(), Origin::Remote).unwrap();

        // Someone types a word of their own into some block, at its end.
        let blocks = crate::flow::read_range(&there, 0..length(&there));
        // A divider with words beside it is none any more.
        let lines: Vec<_> = blocks
            .into_iter()
            .filter(|placed| placed.block.kind != BlockKind::Divider)
            .collect();
        let block = chance.one_of(&lines).clone();
        let typed = [
            DeltaOp::skip(block.newline_at()),
            DeltaOp::text(" TYPEDMEANWHILE"),
        ];
        let theirs = apply_delta(&mut there, Origin::Local, &typed)
            .unwrap()
            .unwrap();

        // Meanwhile a program puts a paragraph in and changes another one.
        let mine = markdown::write(&read(&here));
        let paragraphs: Vec<&str> = mine.split("\n\n").collect();
        let at = chance.index_below(paragraphs.len());
        let mut wanted: Vec<String> = paragraphs.iter().map(|&text| text.to_owned()).collect();
        wanted.insert(at, "Put in by a program.".to_owned());
        let update = write(&mut here, &wanted.join("\n\n"));

        here.apply(&theirs, Origin::Remote).unwrap();
        if let Some(update) = update {
            there.apply(&update, Origin::Remote).unwrap();
        }
        assert_eq!(here.canonical(), there.canonical());
        let shown = draw(&read(&here));
        assert_eq!(shown.matches("TYPEDMEANWHILE").count(), 1, "seed {seed}");
        let line = shown
            .lines()
            .find(|line| line.contains("TYPEDMEANWHILE"))
            .unwrap();
        let was = draw(&[block.block]);
        assert!(
            line.contains(was.trim()),
            "seed {seed}: {line:?} was {was:?}"
        );
    }
}

#[test]
#[cfg_attr(target_arch = "wasm32", ignore = "there is no clock")]
fn a_page_of_ten_thousand_blocks_is_compared_in_a_moment() {
    let paragraphs: Vec<String> = (0..10_000)
        .map(|number| {
            format!(
                "Paragraph {number} says that {} is not {}.",
                number * 7,
                number % 13
            )
        })
        .collect();
    let mut changed = paragraphs.clone();
    for number in (0..10_000).step_by(3) {
        changed[number] = changed[number].replace("says", "does not say");
    }
    changed.rotate_left(17);
    let (old, new) = (flow(&paragraphs.join("\n\n")), flow(&changed.join("\n\n")));
    let started = Instant::now();
    let change = change(&old, &new, None);
    let (inserted, deleted) = touched(&change);
    assert!(inserted + deleted < 150_000, "{inserted} in, {deleted} out");
    assert!(
        started.elapsed().as_secs() < 30,
        "it must not grow with the square"
    );
}

#[test]
#[cfg_attr(target_arch = "wasm32", ignore = "there is no clock")]
fn pages_made_to_cost_time_are_compared_in_a_moment() {
    let started = Instant::now();
    let words = |first: &str, second: &str| format!("{first} {second} ").repeat(20_000);
    for (old, new) in [
        (words("a", "b"), words("b", "c")),
        ("a\n\nb\n\n".repeat(10_000), "b\n\nc\n\n".repeat(10_000)),
        ("x".repeat(200_000), "xy".repeat(100_000)),
        ("e\u{301}".repeat(50_000), "e\u{300}".repeat(50_000)),
    ] {
        let (old, new) = (flow(&old), flow(&new));
        let change = change(&old, &new, None);
        let mut page = page_of(&old);
        apply_delta(&mut page, Origin::Local, &change).unwrap();
        assert!(says_same(&read(&page), &block::from_delta(&new)));
    }
    assert!(
        started.elapsed().as_secs() < 60,
        "it must not grow with the square"
    );
}
