//! A surface as ProseMirror would hold it, small enough to be obviously right.

use std::rc::Rc;

use sheaf_binding::surface::{Inline, Look, Slice, SurfaceBlock, SurfaceStep};
use sheaf_shared::flow;
use sheaf_shared::flow::block::BlockKind;
use sheaf_shared::flow::delta::Attrs;
use sheaf_shared::replica::Replica;
use yrs::Any;

/// One position's worth of content.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Unit {
    Char(u16),
    Embed(Any),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelBlock {
    pub(crate) look: Look,
    pub(crate) units: Vec<(Unit, Attrs)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Model {
    pub(crate) blocks: Vec<ModelBlock>,
}

/// A position: which block, and where inside (none: before it).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spot {
    pub(crate) block: usize,
    pub(crate) inside: Option<usize>,
}

impl ModelBlock {
    fn new(block: &SurfaceBlock) -> Self {
        Self {
            look: (*block.look).clone(),
            units: units(&block.content),
        }
    }

    pub(crate) fn size(&self) -> u32 {
        if self.look.is_leaf() {
            1
        } else {
            self.units.len() as u32 + 2
        }
    }
}

fn units(content: &[Inline]) -> Vec<(Unit, Attrs)> {
    content
        .iter()
        .flat_map(|piece| match piece {
            Inline::Text { text, attrs } => text
                .encode_utf16()
                .map(|unit| (Unit::Char(unit), attrs.clone()))
                .collect::<Vec<_>>(),
            Inline::Embed { value, attrs } => vec![(Unit::Embed(value.clone()), attrs.clone())],
        })
        .collect()
}

impl Model {
    pub(crate) fn new(blocks: &[SurfaceBlock]) -> Self {
        Self {
            blocks: blocks.iter().map(ModelBlock::new).collect(),
        }
    }

    /// What a document should look like, read anew and by other code.
    pub(crate) fn rendering(replica: &Replica) -> Self {
        let read = flow::read(replica);
        let mut blocks = Vec::new();
        for (number, block) in read.iter().enumerate() {
            let joined = number > 0 && read[number - 1].joins(block);
            blocks.push(ModelBlock {
                look: Look {
                    kind: block.kind.clone(),
                    indent: block.indent,
                    quoted: block.quoted,
                    align: block.align,
                    joined,
                },
                units: units(&block.content),
            });
        }
        Self { blocks }
    }

    /// Without what is not drawn: the marks of a divider.
    pub(crate) fn as_drawn(&self) -> Self {
        let mut drawn = self.clone();
        for block in drawn.blocks.iter_mut().filter(|block| block.look.is_leaf()) {
            block.units.iter_mut().for_each(|(_, attrs)| attrs.clear());
        }
        drawn
    }

    pub(crate) fn size(&self) -> u32 {
        self.blocks.iter().map(ModelBlock::size).sum()
    }

    pub(crate) fn position(&self, spot: Spot) -> u32 {
        let before: u32 = self.blocks[..spot.block].iter().map(ModelBlock::size).sum();
        before + spot.inside.map_or(0, |at| at as u32 + 1)
    }

    pub(crate) fn spot(&self, position: u32) -> Spot {
        let mut at = 0;
        for (number, block) in self.blocks.iter().enumerate() {
            if position == at {
                return Spot {
                    block: number,
                    inside: None,
                };
            }
            if position < at + block.size() {
                return Spot {
                    block: number,
                    inside: Some((position - at - 1) as usize),
                };
            }
            at += block.size();
        }
        assert_eq!(position, at, "a position behind the end");
        Spot {
            block: self.blocks.len(),
            inside: None,
        }
    }

    /// Whether `step` begins or ends between the two halves of a character.
    pub(crate) fn cuts_character(&self, step: &SurfaceStep) -> bool {
        let edges = match step {
            SurfaceStep::Replace { from, to, .. } | SurfaceStep::Mark { from, to, .. } => {
                [*from, *to]
            }
            SurfaceStep::SetBlock { .. } => return false,
        };
        edges.into_iter().map(|at| self.spot(at)).any(|spot| {
            let behind = spot
                .inside
                .and_then(|inside| self.blocks[spot.block].units.get(inside));
            matches!(behind, Some((Unit::Char(0xDC00..=0xDFFF), _)))
        })
    }

    pub(crate) fn apply(&mut self, step: &SurfaceStep) {
        match step {
            SurfaceStep::Replace { from, to, slice } => self.replace(*from, *to, slice),
            SurfaceStep::SetBlock { at, look } => {
                let spot = self.spot(*at);
                assert_eq!(spot.inside, None, "a look is set before a block");
                let block = &mut self.blocks[spot.block];
                assert_eq!(block.look.is_leaf(), look.is_leaf(), "a look does not fit");
                block.look = (**look).clone();
            }
            SurfaceStep::Mark {
                from,
                to,
                key,
                value,
            } => self.mark(*from, *to, key, value),
        }
    }

    fn replace(&mut self, from: u32, to: u32, slice: &Slice) {
        let (from, to) = (self.spot(from), self.spot(to));
        let mut new: Vec<ModelBlock> = slice.blocks.iter().map(ModelBlock::new).collect();
        for block in &new {
            if block.look.is_leaf() {
                assert_eq!(block.units.len(), 1, "a divider holds one embed");
            }
        }
        let head = from.inside.map(|at| {
            let block = &self.blocks[from.block];
            ModelBlock {
                look: block.look.clone(),
                units: block.units[..at].to_vec(),
            }
        });
        let tail = to
            .inside
            .map(|at| self.blocks[to.block].units[at..].to_vec());
        if !slice.blocks.is_empty() {
            assert_eq!(
                slice.open_start,
                head.is_some(),
                "a slice does not fit its start"
            );
            assert_eq!(
                slice.open_end,
                tail.is_some(),
                "a slice does not fit its end"
            );
        }
        if let Some(mut head) = head {
            if new.is_empty() {
                assert!(tail.is_some(), "half a block was left");
                new.push(head);
            } else {
                head.units.append(&mut new[0].units);
                new[0] = head;
            }
        }
        if let Some(tail) = tail {
            new.last_mut()
                .expect("half a block was left")
                .units
                .extend(tail);
        }
        let end = to.block + usize::from(to.inside.is_some());
        self.blocks.splice(from.block..end, new);
        assert!(!self.blocks.is_empty(), "a document has a block");
    }

    fn mark(&mut self, from: u32, to: u32, key: &str, value: &Any) {
        let mut at = 0;
        for block in &mut self.blocks {
            let size = block.size();
            if !block.look.is_leaf() {
                for (offset, (_, attrs)) in block.units.iter_mut().enumerate() {
                    let position = at + 1 + offset as u32;
                    if position >= from && position < to {
                        if *value == Any::Null {
                            attrs.remove(key);
                        } else {
                            attrs.insert(key.to_owned(), value.clone());
                        }
                    }
                }
            }
            at += size;
        }
    }
}

pub(crate) fn divider() -> Any {
    flow::delta::embed("divider", true)
}

pub(crate) fn block(kind: BlockKind, content: Vec<Inline>) -> SurfaceBlock {
    let content = if kind == BlockKind::Divider {
        vec![Inline::Embed {
            value: divider(),
            attrs: Attrs::new(),
        }]
    } else {
        content
    };
    SurfaceBlock {
        look: Rc::new(Look::plain(kind)),
        content,
    }
}
