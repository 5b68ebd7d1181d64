//! What was read becomes blocks: of which kind, and where among the lists and quotes around them.

use std::ops::Range;

use super::html::understood;
use super::{Holder, Reader};
use crate::flow::block::{BlockKind, INDENT_MAX, PLAIN};
use crate::flow::compose::Place;
use crate::flow::delta::Attrs;
use crate::markdown::HTML;
use crate::markdown::inline::{is_inline_html, split_tags};
use crate::markdown::source::Directive;

impl Reader<'_> {
    /// Ends the text of a tight list item, if some stands open.
    pub(super) fn end_text(&mut self) {
        if !self.line.is_empty() {
            self.text_block();
        }
    }

    /// An item that begins with something other than text is an empty item with that below.
    pub(super) fn before_block(&mut self) {
        self.end_text();
        if let Some(Holder::Item { opened: false, .. } | Holder::Footnote { opened: false, .. }) =
            self.holders.last()
        {
            self.text_block();
        }
    }

    /// Writes the line as the kind of block that text is here.
    pub(super) fn text_block(&mut self) {
        let quotes = self.quotes + self.callouts;
        let (kind, quotes) = match self.holders.last() {
            Some(Holder::Item {
                kind,
                opened: false,
            }) => (kind.clone(), quotes),
            Some(Holder::Footnote {
                label,
                opened: false,
            }) => {
                let blank = if self.line.is_empty() { "" } else { " " };
                self.out.text(&format!("[^{label}]:{blank}"), &Attrs::new());
                (BlockKind::Paragraph, quotes)
            }
            Some(Holder::Callout { kind, .. }) => (BlockKind::Callout(kind.clone()), quotes - 1),
            _ => (BlockKind::Paragraph, quotes),
        };
        let place = self.place(quotes);
        self.line.write_into(&mut self.out);
        self.emit(&kind, place);
        if let Some(Holder::Item { opened, .. } | Holder::Footnote { opened, .. }) =
            self.holders.last_mut()
            && !*opened
        {
            *opened = true;
            self.levels += 1;
        }
    }

    pub(super) fn emit(&mut self, kind: &BlockKind, place: Place) {
        self.numbering.step(kind, place.indent, place.quoted);
        self.out.end_block(kind, place);
        self.directive = None;
        self.blocks += 1;
    }

    /// Where a block inside so many quotes stands; a second quote is a step to the right.
    pub(super) fn place(&self, quotes: u32) -> Place {
        let directive = self.directive.unwrap_or_default();
        let steps = self.levels + quotes.saturating_sub(1) + u32::from(directive.indent);
        Place {
            indent: u8::try_from(steps).unwrap_or(INDENT_MAX).min(INDENT_MAX),
            quoted: quotes > 0,
            align: directive.align,
        }
    }

    pub(super) fn take_shift(&mut self) -> u32 {
        let shift = self
            .directive
            .take()
            .map_or(0, |directive| u32::from(directive.indent));
        self.levels += shift;
        shift
    }

    pub(super) fn next_item_kind(&mut self) -> BlockKind {
        let place = self.place(self.quotes + self.callouts);
        let goes_on = self.numbering.goes_on(place.indent, place.quoted);
        let Some(Holder::List { number, .. }) = self.holders.last_mut() else {
            return BlockKind::Bullet;
        };
        match number {
            None => BlockKind::Bullet,
            // Only the first item says where the count starts.
            Some(u64::MAX) => BlockKind::Ordered { start: None },
            Some(first) => {
                let start = u32::try_from(*first)
                    .ok()
                    .filter(|first| goes_on || *first != 1);
                *number = Some(u64::MAX);
                BlockKind::Ordered { start }
            }
        }
    }

    pub(super) fn close_holder(&mut self) {
        self.before_block();
        if let Some(Holder::Callout { blocks_before, .. }) = self.holders.last()
            && *blocks_before == self.blocks
        {
            self.text_block();
        }
        self.directive = None;
        match self.holders.pop() {
            Some(Holder::Quote { shift }) => {
                self.quotes -= 1;
                self.levels -= shift;
            }
            Some(Holder::Callout { shift, .. }) => {
                self.callouts -= 1;
                self.levels -= shift;
            }
            Some(Holder::List { shift, .. }) => self.levels -= shift,
            Some(Holder::Item { .. } | Holder::Footnote { .. }) => self.levels -= 1,
            None => {}
        }
    }

    pub(super) fn code_lines(&mut self, language: &str, text: &str) {
        self.fences += 1;
        let kind = BlockKind::Code {
            language: if language.is_empty() { PLAIN } else { language }.to_owned(),
            fence: Some(self.fences.to_string()),
        };
        let place = self.place(self.quotes + self.callouts);
        for line in text.split('\n') {
            self.out.text(line, &Attrs::new());
            self.emit(&kind, place);
        }
    }

    pub(super) fn html_block(&mut self, text: &str) {
        if let Some(directive) = Directive::from_comment(text) {
            self.directive = Some(directive);
            return;
        }
        if is_inline_html(text) {
            for token in split_tags(text) {
                self.line.html(token);
            }
            self.text_block();
            return;
        }
        let in_callout = matches!(self.holders.last(), Some(Holder::Callout { .. }));
        match understood(text).filter(|_| !in_callout) {
            Some(blocks) => self.html_lines(&blocks),
            None => {
                self.before_block();
                self.code_lines(HTML, text);
            }
        }
    }

    /// After the box of a task, where no comment can stand before the block, it stands before the text.
    pub(super) fn inline_html(&mut self, raw: &str) {
        match Directive::from_comment(raw) {
            Some(directive) if self.line.is_empty() => self.directive = Some(directive),
            _ => self.line.html(raw),
        }
    }

    /// The lines of a table, without the markers of the lists and quotes around it.
    pub(super) fn table_source(&self, range: Range<usize>) -> String {
        let source = self
            .source
            .get(range)
            .unwrap_or_default()
            .trim_end_matches('\n');
        if self.holders.is_empty() {
            return source.to_owned();
        }
        let lines = source.split('\n').enumerate().map(|(at, line)| match at {
            0 => line,
            _ => line.trim_start_matches([' ', '\t', '>']),
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}
