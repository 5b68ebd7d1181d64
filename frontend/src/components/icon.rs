//! The page's own line drawings, 16 by 16. They say nothing to screen readers; the buttons around them do.

use leptos::prelude::*;

/// A drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawing {
    /// Points to what is inside.
    Chevron,
    /// More of it.
    Plus,
    /// A looking glass.
    Search,
    /// A bin.
    Bin,
    /// An arrow into a tray.
    Import,
    /// A cog of sliders.
    Settings,
    /// Three dots.
    More,
    /// Three lines.
    Menu,
    /// Away with it.
    Close,
    /// Two people.
    People,
    /// A sheet with lines.
    Page,
    /// A device.
    Device,
    /// A cloud without rain.
    Server,
}

impl Drawing {
    const fn path(self) -> &'static str {
        match self {
            Self::Chevron => "M6 3.5 10.5 8 6 12.5",
            Self::Plus => "M8 3.2v9.6M3.2 8h9.6",
            Self::Search => "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.4 10.4l3.1 3.1",
            Self::Bin => {
                "M2.8 4.3h10.4M6.2 4.3V2.8h3.6v1.5M4 4.3l.6 8.9h6.8l.6-8.9M6.6 7v3.6M9.4 7v3.6"
            }
            Self::Import => "M8 2.5v7M5.2 6.8 8 9.6l2.8-2.8M2.8 10.5v2.7h10.4v-2.7",
            Self::Settings => "M2.5 5h6M12 5h1.5M2.5 11H4M7.5 11h6M10.2 3.3v3.4M5.8 9.3v3.4",
            Self::More => "M3.4 8h.01M8 8h.01M12.6 8h.01",
            Self::Menu => "M2.5 4.2h11M2.5 8h11M2.5 11.8h11",
            Self::Close => "M4 4l8 8M12 4l-8 8",
            Self::People => {
                "M6 2.8a2.3 2.3 0 1 1 0 4.6 2.3 2.3 0 0 1 0-4.6ZM1.8 13c.2-2.5 1.9-3.9 4.2-3.9s4 1.4 4.2 3.9M10.7 3.3a2 2 0 0 1 0 3.8M12 9.5c1.3.5 2.1 1.7 2.2 3.5"
            }
            Self::Page => "M4 2.3h5.3L12 5v8.7H4ZM6.2 7.2h3.6M6.2 9.7h3.6",
            Self::Device => "M3 3.3h10v7H3ZM1.8 12.7h12.4",
            Self::Server => {
                "M4.6 12.2a2.7 2.7 0 0 1-.2-5.4 3.7 3.7 0 0 1 7.2.6 2.4 2.4 0 0 1 0 4.8Z"
            }
        }
    }
}

/// Draws it.
#[component]
pub fn Icon(drawing: Drawing) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
            <path d=drawing.path()></path>
        </svg>
    }
}

/// The sheaf: the mark of the app.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 24 24" aria-hidden="true">
            <path d="M12 3v18M12 12C8 11 6 8 5 4M12 12c4-1 6-4 7-8M12 16c-3 0-6-2-8-5M12 16c3 0 6-2 8-5"></path>
            <path d="M8.5 17.5h7"></path>
        </svg>
    }
}
