//! Finding pages by their titles, as one types: every word must be in the title, better places first.

use sheaf_shared::ids::PageId;

use crate::platform;

/// A page that may be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Which.
    pub id: PageId,
    /// Its title.
    pub title: String,
}

/// The pages whose titles hold all words of `query`, best first; all in their order if it is empty.
#[must_use]
pub fn find(candidates: &[Candidate], query: &str) -> Vec<PageId> {
    let query = platform::lower_case(query);
    let words: Vec<&str> = query.split_whitespace().collect();
    let mut ranked: Vec<(usize, PageId)> = candidates
        .iter()
        .filter_map(|candidate| {
            let title = platform::lower_case(&candidate.title);
            Some((rank(&title, &words)?, candidate.id))
        })
        .collect();
    let mut found = Vec::with_capacity(ranked.len());
    // There are few ranks: a turn for each costs less than the code that sorts would.
    while let Some(best) = ranked.iter().map(|(rank, _)| *rank).min() {
        let of_best = ranked.iter().filter(|(rank, _)| *rank == best);
        found.extend(of_best.map(|(_, page)| *page));
        ranked.retain(|(rank, _)| *rank != best);
    }
    found
}

/// Lower is better; `None` if a word is missing.
fn rank(title: &str, words: &[&str]) -> Option<usize> {
    let mut rank = 0;
    for word in words {
        rank += if title.starts_with(word) {
            0
        } else if title
            .split(|letter: char| !letter.is_alphanumeric())
            .any(|part| part.starts_with(word))
        {
            1
        } else if title.contains(word) {
            2
        } else {
            return None;
        };
    }
    Some(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str) -> Vec<usize> {
        let titles = ["Team meeting", "Meetings", "Spring sampling plan", "Éclair"];
        let candidates: Vec<Candidate> = (0..)
            .zip(titles)
            .map(|(id, title)| Candidate {
                id: PageId::from_bits(id),
                title: title.to_owned(),
            })
            .collect();
        let place = |id| candidates.iter().position(|candidate| candidate.id == id);
        find(&candidates, query)
            .into_iter()
            .filter_map(place)
            .collect()
    }

    #[test]
    fn titles_that_begin_with_the_word_come_first() {
        assert_eq!(found("meet"), [1, 0]);
        assert_eq!(found("plan spring"), [2]);
        assert_eq!(found("ling"), [2]);
    }

    #[test]
    fn nothing_typed_offers_everything_and_a_strange_word_nothing() {
        assert_eq!(found("  "), [0, 1, 2, 3]);
        assert_eq!(found("zebra"), [] as [usize; 0]);
        assert_eq!(found("ÉCL"), [3]);
    }
}
