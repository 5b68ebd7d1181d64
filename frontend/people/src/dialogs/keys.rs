//! The sheet of keys. Nobody needs it to write, so it is not in the app's own module.

use leptos::prelude::*;

use super::Sheet;
use crate::host;

/// Opens it.
pub fn open() -> AnyView {
    view! { <Sheet name="Keyboard shortcuts"><Keys/></Sheet> }.into_any()
}

/// What to press, and what it does; `Mod` is Ctrl, or ⌘ on a Mac.
const KEYS: [(&str, &[(&str, &str)]); 3] = [
    (
        "Everywhere",
        &[
            ("Mod K", "Go to a page"),
            ("?", "This sheet"),
            ("Esc", "Close what is open"),
        ],
    ),
    (
        "In the page list",
        &[
            ("↑ ↓", "Walk through the pages"),
            ("→ ←", "Open or close what is inside"),
            ("Enter", "Read the page"),
            ("F2", "Rename"),
            ("Alt ↑ ↓", "Move the page up or down"),
            ("Alt → ←", "Put it inside the page above, or take it out"),
            ("Del", "Move to the bin"),
        ],
    ),
    (
        "While writing",
        &[
            ("/", "Insert something"),
            ("Mod B / I / U", "Bold, italic, underline"),
            ("Ctrl Alt 1 … 3", "Headings"),
            ("Ctrl Shift 7 / 8 / 9", "Numbered, bulleted, task list"),
            ("Tab", "Indent a list"),
            ("Alt Shift ↑ ↓", "Move the block up or down"),
            ("Alt F10", "Go to the bar at a selection"),
            ("Mod Z", "Undo what you did, never what others did"),
            (
                "# ␣   - ␣   1. ␣   [] ␣   > ␣   ```",
                "Heading, lists, task, quote, code, as in Markdown",
            ),
        ],
    ),
];

/// As text that the browser reads: nothing in it ever changes, and views for each line would be several times the code.
#[component]
fn Keys() -> impl IntoView {
    let modifier = if host::is_apple() { "⌘" } else { "Ctrl" };
    let mut sheet = String::new();
    for (group, keys) in KEYS {
        sheet += &[
            "<h3 class=\"field-label\">",
            group,
            "</h3><dl class=\"keys\">",
        ]
        .concat();
        for (key, what) in keys {
            let key = key.replace("Mod", modifier).replace('>', "&gt;");
            sheet += &["<dt>", what, "</dt><dd><kbd>", &key, "</kbd></dd>"].concat();
        }
        sheet += "</dl>";
    }
    view! { <div inner_html=sheet></div> }
}
