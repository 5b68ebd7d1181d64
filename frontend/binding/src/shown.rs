//! What the surface shows, line by line, and the upkeep both directions need.

use std::ops::Range;
use std::rc::Rc;

use sheaf_shared::flow::block::{DIVIDER, is_embed};
use sheaf_shared::flow::delta::Attrs;

use crate::change::units;
use crate::format::{changed, joins, look_of};
use crate::index::{EmbedAt, Index, Line, Place};
use crate::surface::{BlockKind, Inline, Look, Slice, SurfaceBlock, SurfaceStep};

/// Formats kept shared between lines; more kinds of newline than this in one document are rare.
const FORMATS_KEPT_MAX: usize = 64;

/// The surface's document without its text.
#[derive(Default)]
pub(crate) struct Shown {
    pub(crate) index: Index,
    formats: Vec<(Rc<Attrs>, Rc<Look>)>,
    /// Lines whose look may be out of date.
    touched: Option<Range<usize>>,
}

impl Shown {
    /// The document of an empty flow: one line without a newline.
    pub(crate) fn empty() -> Self {
        let mut shown = Self::default();
        let line = shown.line_without_newline(0, Vec::new());
        shown.index.splice(0..0, vec![line]);
        shown
    }

    /// Stored attributes and the look they give, shared with other lines that have the same.
    pub(crate) fn format(&mut self, stored: Attrs) -> (Rc<Attrs>, Rc<Look>) {
        if let Some((attrs, look)) = self.formats.iter().find(|(attrs, _)| **attrs == stored) {
            return (Rc::clone(attrs), Rc::clone(look));
        }
        let look = Rc::new(look_of(&stored));
        let format = (Rc::new(stored), look);
        if self.formats.len() < FORMATS_KEPT_MAX {
            self.formats
                .push((Rc::clone(&format.0), Rc::clone(&format.1)));
        }
        format
    }

    pub(crate) fn line_without_newline(&mut self, len: u32, embeds: Vec<EmbedAt>) -> Line {
        let (stored, look) = self.format(Attrs::new());
        Line {
            len,
            ended: false,
            stored,
            look,
            embeds,
        }
    }

    /// Notes that `range` was put in place of `replaced` lines.
    pub(crate) fn touch(&mut self, range: Range<usize>, replaced: usize) {
        let touched = self.touched.take().map_or_else(
            || range.clone(),
            |before| {
                let moved = |number: usize| {
                    if number >= range.start + replaced {
                        number - replaced + range.len()
                    } else {
                        number.min(range.end)
                    }
                };
                moved(before.start).min(range.start)..moved(before.end).max(range.end)
            },
        );
        self.touched = Some(touched);
    }

    /// Brings the looks of touched lines, and of the one behind them, up to date. Returns what the surface
    /// must do for that, in order.
    pub(crate) fn settle(&mut self) -> Vec<SurfaceStep> {
        let Some(touched) = self.touched.take() else {
            return Vec::new();
        };
        let mut steps = Vec::new();
        let end = (touched.end + 1).min(self.index.count());
        let start = touched.start.min(end);
        let mut before = start
            .checked_sub(1)
            .and_then(|number| self.index.get(number))
            .cloned();
        // Steps change the size of a line only between divider and text, and the place follows that.
        let mut place = self.index.at_line(start);
        for number in start..end {
            let Some(line) = self.index.get(number).cloned() else {
                break;
            };
            let look = self.right_look(&line, before.as_ref());
            if look != line.look {
                steps.push(change_look(place, &line, &look));
                self.index
                    .update(number, |line| line.look = Rc::clone(&look));
            }
            let line = Line { look, ..line };
            place.view += line.view_len();
            before = Some(line);
        }
        steps
    }

    fn right_look(&mut self, line: &Line, before: Option<&Line>) -> Rc<Look> {
        let (_, look) = self.format((*line.stored).clone());
        if line.lone_divider().is_some() {
            return Rc::new(Look {
                kind: BlockKind::Divider,
                joined: false,
                ..(*look).clone()
            });
        }
        let goes_on = before.is_some_and(|before| joins(&before.look, &look));
        if goes_on {
            Rc::new(Look {
                joined: true,
                ..(*look).clone()
            })
        } else {
            look
        }
    }

    /// The look of a line with this newline that comes behind one that looks like `before`.
    pub(crate) fn look_behind(
        &mut self,
        stored: &Attrs,
        divider: bool,
        before: Option<&Look>,
    ) -> (Rc<Attrs>, Rc<Look>) {
        let (stored, look) = self.format(stored.clone());
        let look = if divider {
            Rc::new(Look {
                kind: BlockKind::Divider,
                ..(*look).clone()
            })
        } else if before.is_some_and(|before| joins(before, &look)) {
            Rc::new(Look {
                joined: true,
                ..(*look).clone()
            })
        } else {
            look
        };
        (stored, look)
    }

    /// Keeps the attributes of dividers in a line as they are stored.
    pub(crate) fn mark_dividers(&mut self, number: usize, range: &Range<u32>, attrs: &Attrs) {
        self.index.update(number, |line| {
            for embed in line
                .embeds
                .iter_mut()
                .filter(|embed| range.contains(&embed.at))
            {
                if let Some(divider) = &mut embed.divider {
                    *divider = Rc::new((divider.0.clone(), changed(&divider.1, attrs)));
                }
            }
        });
    }

    /// Draws a divider as a line of text that holds it, so that text can come beside it.
    pub(crate) fn open_leaf(&mut self, place: Place, steps: &mut Vec<SurfaceStep>) {
        let Some(line) = self.index.get(place.line) else {
            return;
        };
        if !line.look.is_leaf() {
            return;
        }
        let (_, look) = self.format((*line.stored).clone());
        let Some(line) = self.index.get(place.line) else {
            return;
        };
        steps.push(change_look(place, line, &look));
        self.index.update(place.line, |line| line.look = look);
        self.touch(place.line..place.line + 1, 1);
    }
}

/// The step after which `line`, at `place`, looks like `look`. A divider is another sort of node, so it is replaced.
fn change_look(place: Place, line: &Line, look: &Rc<Look>) -> SurfaceStep {
    if line.look.is_leaf() == look.is_leaf() {
        return SurfaceStep::SetBlock {
            at: place.view,
            look: Rc::clone(look),
        };
    }
    let content = line
        .lone_divider()
        .map(|divider| Inline::Embed {
            value: divider.0.clone(),
            attrs: divider.1.clone(),
        })
        .into_iter()
        .collect();
    SurfaceStep::Replace {
        from: place.view,
        to: place.view + line.view_len(),
        slice: Slice {
            open_start: false,
            open_end: false,
            blocks: vec![SurfaceBlock {
                look: Rc::clone(look),
                content,
            }],
        },
    }
}

/// Units and embeds of a line's content.
pub(crate) fn measure(content: &[Inline]) -> (u32, Vec<EmbedAt>) {
    let mut len = 0;
    let mut embeds = Vec::new();
    for piece in content {
        match piece {
            Inline::Text { text, .. } => len += units(text),
            Inline::Embed { value, attrs } => {
                let divider =
                    is_embed(value, DIVIDER).then(|| Rc::new((value.clone(), attrs.clone())));
                embeds.push(EmbedAt { at: len, divider });
                len += 1;
            }
        }
    }
    (len, embeds)
}
