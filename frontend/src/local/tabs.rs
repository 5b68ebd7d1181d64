//! The other tabs of this browser in which the same person sits: what each writes, the others have at once, network or not.
//!
//! Messages carry updates and facts, never orders; a lost one costs only time, since storage and server have it.

use js_sys::{Array, Uint8Array};
use sheaf_shared::ids::DocName;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::*;
use web_sys::{BroadcastChannel, MessageEvent};

use super::db::RowKey;

/// What one tab tells the others.
#[derive(Clone, Debug)]
pub enum TabMessage {
    /// I changed this document.
    Edit {
        /// Which.
        doc: DocName,
        /// Where the log holds it; `None` if it could not be kept.
        row: Option<RowKey>,
        /// One update (V1).
        update: Vec<u8>,
    },
    /// The server has these rows.
    Acknowledged {
        /// Of which document.
        doc: DocName,
        /// Which rows.
        rows: Vec<RowKey>,
    },
    /// I have opened this document and hold this version of it: send me what I lack.
    Opened {
        /// Which.
        doc: DocName,
        /// An encoded state vector.
        version: Vec<u8>,
    },
    /// Where I am in this document; empty when I leave.
    Presence {
        /// Which.
        doc: DocName,
        /// The tab's replica.
        replica: u32,
        /// Awareness state as JSON.
        state: String,
    },
    /// I am about to go, and may have written to the log what I told nobody of.
    Leaving,
}

/// The line to the other tabs. `None` inside when this browser has no such thing; the page then works alone.
#[derive(Clone)]
pub struct Tabs {
    channel: Option<BroadcastChannel>,
}

impl Tabs {
    /// Joins; calls `f` with what others say. Own messages do not come back.
    pub fn join(f: impl Fn(TabMessage) + 'static) -> Self {
        let channel = BroadcastChannel::new(&crate::who::place()).ok();
        if let Some(channel) = &channel {
            crate::platform::listen(channel, "message", move |event| {
                let event: &MessageEvent = event.unchecked_ref();
                if let Some(message) = read(&event.data()) {
                    f(message);
                }
            });
        }
        Self { channel }
    }

    /// Tells all other tabs.
    pub fn tell(&self, message: &TabMessage) {
        if let Some(channel) = &self.channel {
            let _ = channel.post_message(&write(message));
        }
    }
}

fn write(message: &TabMessage) -> JsValue {
    let parts: [JsValue; 4] = match message {
        TabMessage::Edit { doc, row, update } => [
            "edit".into(),
            doc.as_str().into(),
            row.map_or(JsValue::NULL, RowKey::to_js),
            Uint8Array::from(update.as_slice()).into(),
        ],
        TabMessage::Acknowledged { doc, rows } => [
            "acknowledged".into(),
            doc.as_str().into(),
            rows.iter().map(|row| row.to_js()).collect::<Array>().into(),
            JsValue::NULL,
        ],
        TabMessage::Opened { doc, version } => [
            "opened".into(),
            doc.as_str().into(),
            Uint8Array::from(version.as_slice()).into(),
            JsValue::NULL,
        ],
        TabMessage::Presence {
            doc,
            replica,
            state,
        } => [
            "presence".into(),
            doc.as_str().into(),
            (*replica).into(),
            state.into(),
        ],
        TabMessage::Leaving => [
            "leaving".into(),
            JsValue::NULL,
            JsValue::NULL,
            JsValue::NULL,
        ],
    };
    parts.into_iter().collect::<Array>().into()
}

/// Reads what another tab wrote, which may run another release: what is not understood is ignored.
fn read(value: &JsValue) -> Option<TabMessage> {
    let parts = value.dyn_ref::<Array>()?;
    let bytes = |at| {
        parts
            .get(at)
            .dyn_into::<Uint8Array>()
            .ok()
            .map(|bytes| bytes.to_vec())
    };
    let kind = parts.get(0).as_string()?;
    if kind == "leaving" {
        return Some(TabMessage::Leaving);
    }
    let doc = DocName::parse(&parts.get(1).as_string()?).ok()?;
    match kind.as_str() {
        "edit" => Some(TabMessage::Edit {
            doc,
            row: RowKey::of_js(&parts.get(2)),
            update: bytes(3)?,
        }),
        "acknowledged" => {
            let rows = parts.get(2).dyn_into::<Array>().ok()?;
            let rows = rows.iter().filter_map(|row| RowKey::of_js(&row)).collect();
            Some(TabMessage::Acknowledged { doc, rows })
        }
        "opened" => Some(TabMessage::Opened {
            doc,
            version: bytes(2)?,
        }),
        "presence" => {
            let replica = u32::try_from(number(&parts.get(2))?).ok()?;
            Some(TabMessage::Presence {
                doc,
                replica,
                state: parts.get(3).as_string()?,
            })
        }
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "out of range becomes a number that names nobody"
)]
fn number(value: &JsValue) -> Option<u64> {
    value.as_f64().map(|number| number as u64)
}
