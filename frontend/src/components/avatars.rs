//! Who is here.

use leptos::prelude::*;

use crate::router::Route;
use crate::stores::person::initials;
use crate::stores::shell::{Somebody, shell};

/// How many are drawn before the rest becomes a number.
const SHOWN_MAX: usize = 4;

/// The people on the page that is shown, this one last.
#[component]
pub fn Avatars() -> impl IntoView {
    let shell = shell();
    let others = Memo::new(move |_| {
        let Route::Page(page) = shell.route.get() else {
            return Vec::new();
        };
        let mut here: Vec<Somebody> = shell
            .people
            .get()
            .into_iter()
            .filter(|person| person.page == Some(page))
            .collect();
        let me = shell.me.get();
        // My other windows are me.
        here.retain(|person| person.name != me.shown_name() || person.color != me.color);
        here
    });
    let label = move || match others.get().len() {
        0 => "Only you are here".to_owned(),
        more => format!("{} people here", more + 1),
    };
    let drawn = move || {
        let others = others.get();
        let rest = others.len().saturating_sub(SHOWN_MAX);
        let mut shown: Vec<(String, String, String)> = others
            .into_iter()
            .take(SHOWN_MAX)
            .map(|person| (initials(&person.name), person.name, person.color))
            .collect();
        if rest > 0 {
            shown.push((format!("+{rest}"), format!("{rest} more"), String::new()));
        }
        let me = shell.me.get();
        shown.push((
            me.name
                .as_deref()
                .filter(|name| !name.is_empty())
                .map_or_else(|| "You".to_owned(), initials),
            format!("You ({})", me.shown_name()),
            me.color,
        ));
        shown
            .into_iter()
            .map(|(letters, name, color)| {
                let title = name.clone();
                view! {
                    <li class="avatar" title=title style=("--person", color)>
                        <span aria-hidden="true">{letters}</span>
                        <span class="unseen">{name}</span>
                    </li>
                }
            })
            .collect_view()
    };
    view! {
        <ul class="avatars" aria-label=label>
            {drawn}
        </ul>
    }
}
