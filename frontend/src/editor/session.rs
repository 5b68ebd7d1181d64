//! One surface on one document: what is typed goes to the flow and out, what others do comes in, once a frame.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::{GetUntracked as _, RwSignal, Set as _};
use sheaf_binding::{
    Binding, BindingError, Direction, Edges, EditContext, Join, Selection, blocks_of, codec,
};
use sheaf_shared::flow::EditError;
use sheaf_shared::json::{self, Object};
use sheaf_shared::presence::{Person, User};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

use super::surface::{Module, Surface};
use crate::converter::{self, Converter};
use crate::platform;
use crate::stores::document::{DocumentHandle, Subscription};
use crate::stores::person::Me;

/// From this many operations on, showing the whole document costs less than showing each.
const OPERATIONS_SHOWN_MAX: usize = 300;
/// What screen readers call the editor.
const LABEL: &str = "Page body";

/// One surface on one document.
pub(super) struct Session {
    document: DocumentHandle,
    me: RwSignal<Me>,
    /// What was typed while the page took nothing.
    in_vain: RwSignal<String>,
    binding: RefCell<Option<Binding>>,
    surface: RefCell<Option<Surface>>,
    selection: Cell<Option<Selection>>,
    /// A caret of somebody stands in something that has not arrived yet.
    waits_for_content: Cell<bool>,
    subscriptions: RefCell<Vec<Subscription>>,
    callbacks: RefCell<Vec<JsValue>>,
}

impl Session {
    /// Shows `document` in `place`.
    ///
    /// # Errors
    /// Whatever JavaScript threw.
    pub(super) fn open(
        document: &DocumentHandle,
        me: RwSignal<Me>,
        in_vain: RwSignal<String>,
        module: &Module,
        place: &web_sys::HtmlElement,
    ) -> Result<Rc<Self>, JsValue> {
        let replica = document.replica();
        let (binding, blocks) = Binding::open(&replica.borrow());
        let session = Rc::new(Self {
            document: document.clone(),
            me,
            in_vain,
            binding: RefCell::new(Some(binding)),
            surface: RefCell::default(),
            selection: Cell::new(None),
            waits_for_content: Cell::new(false),
            subscriptions: RefCell::default(),
            callbacks: RefCell::default(),
        });
        let host = session.host()?;
        let blocks = codec::write_blocks(&blocks);
        let surface = module.mount(place, &blocks, document.may_edit(), LABEL, &host)?;
        *session.surface.borrow_mut() = Some(surface);
        let told = |f: fn(&Self)| {
            let session = Rc::downgrade(&session);
            move || {
                if let Some(session) = session.upgrade() {
                    f(&session);
                }
            }
        };
        let remote = document.on_remote(told(Self::show));
        let presence = document.on_presence(told(Self::show_carets));
        session
            .subscriptions
            .borrow_mut()
            .extend([remote, presence]);
        session.show();
        session.show_carets();
        session.announce();
        converter::load_soon();
        Ok(session)
    }

    /// The object through which the surface calls back.
    fn host(self: &Rc<Self>) -> Result<JsValue, JsValue> {
        let host = js_sys::Object::new();
        let put = |name: &str, callback: JsValue| -> Result<(), JsValue> {
            js_sys::Reflect::set(&host, &name.into(), &callback)?;
            self.callbacks.borrow_mut().push(callback);
            Ok(())
        };
        let weak = Rc::downgrade(self);
        let with =
            move |f: &dyn Fn(&Self) -> String| weak.upgrade().map(|it| f(&it)).unwrap_or_default();
        let call = with.clone();
        let local: Closure<dyn Fn(String, String) -> String> =
            Closure::new(move |steps: String, context: String| {
                call(&|it| it.local(&steps, &context))
            });
        put("local", local.into_js_value())?;
        let call = with.clone();
        let history: Closure<dyn Fn(String) -> String> = Closure::new(move |direction: String| {
            call(&|it| {
                it.history(if direction == "redo" {
                    Direction::Redo
                } else {
                    Direction::Undo
                })
            })
        });
        put("history", history.into_js_value())?;
        let call = with.clone();
        let selection: Closure<dyn Fn(i32, i32)> = Closure::new(move |anchor: i32, head: i32| {
            call(&|it| {
                let place = u32::try_from(anchor).ok().zip(u32::try_from(head).ok());
                it.selection
                    .set(place.map(|(anchor, head)| Selection { anchor, head }));
                it.announce();
                String::new()
            });
        });
        put("selection", selection.into_js_value())?;
        let reader: Closure<dyn Fn() -> js_sys::Promise> = Closure::new(|| {
            future_to_promise(async { converter::load().await.map(JsValue::from) })
        });
        put("reader", reader.into_js_value())?;
        let read: Closure<dyn Fn(String) -> JsValue> = Closure::new(|text: String| {
            converter::loaded().map_or(JsValue::NULL, |it| markdown(&it, &text).into())
        });
        put("markdown", read.into_js_value())?;
        let call = with.clone();
        let release: Closure<dyn Fn()> = Closure::new(move || {
            call(&|it| {
                it.document.release();
                it.show();
                String::new()
            });
        });
        put("release", release.into_js_value())?;
        let call = with.clone();
        let whole: Closure<dyn Fn() -> String> = Closure::new(move || call(&Self::whole));
        put("whole", whole.into_js_value())?;
        let in_vain: Closure<dyn Fn(String)> = Closure::new(move |words: String| {
            with(&|it| {
                it.in_vain.set(words.clone());
                String::new()
            });
        });
        put("inVain", in_vain.into_js_value())?;
        Ok(host.into())
    }

    /// Takes edits from now on, or none. What is being composed is finished first.
    pub(super) fn set_editable(&self, editable: bool) {
        let Some(surface) = self.surface() else {
            return;
        };
        if let Err(error) = surface.set_editable(editable) {
            web_sys::console::error_1(&error);
        }
    }

    /// Takes what the surface did.
    fn local(&self, steps: &str, context: &str) -> String {
        let replica = self.document.replica();
        let Ok(steps) = codec::read_steps(steps) else {
            return "!The editor and the page no longer understand each other.".to_owned();
        };
        let (context, hold) = read_context(context);
        let outcome = {
            let mut binding = self.binding.borrow_mut();
            let Some(binding) = binding.as_mut() else {
                return String::new();
            };
            binding.local(&mut replica.borrow_mut(), &steps, &context)
        };
        match outcome {
            Ok(outcome) => {
                if let Some(update) = outcome.update {
                    // Nobody should see half a word.
                    if hold {
                        self.document.hold_edit(update);
                    } else {
                        self.document.local_edit(update);
                    }
                }
                if outcome.corrections.is_empty() {
                    String::new()
                } else {
                    codec::write_steps(&outcome.corrections)
                }
            }
            Err(error) => {
                web_sys::console::error_1(&error.to_string().into());
                // Nothing was written; the surface asks for what the page holds, and goes back to that.
                format!("?{}", why_refused(&error))
            }
        }
    }

    fn history(&self, direction: Direction) -> String {
        self.document.release();
        let replica = self.document.replica();
        let (updates, answer) = {
            let mut binding = self.binding.borrow_mut();
            let Some(binding) = binding.as_mut() else {
                return String::new();
            };
            let mut replica = replica.borrow_mut();
            let Some(outcome) = binding.go(&mut replica, direction, platform::now()) else {
                return String::new();
            };
            let Ok(steps) = binding.remote(&replica, None) else {
                return String::new();
            };
            let selection = binding.selection_of(&replica, &outcome);
            let selection = selection.map_or_else(
                || "null".to_owned(),
                |it| format!("[{},{}]", it.anchor, it.head),
            );
            // The steps are JSON already; they are not read again to be put into more.
            let steps = codec::write_steps(&steps);
            (
                outcome.updates,
                format!(r#"{{"steps":{steps},"selection":{selection}}}"#),
            )
        };
        for update in updates {
            self.document.local_edit(update);
        }
        answer
    }

    /// The whole document; the binding follows it from there.
    fn whole(&self) -> String {
        let replica = self.document.replica();
        let mut binding = self.binding.borrow_mut();
        binding
            .as_mut()
            .map(|binding| codec::write_blocks(&binding.show_anew(&replica.borrow())))
            .unwrap_or_default()
    }

    /// Shows what others did since the last time.
    fn show(&self) {
        let Some(surface) = self.surface() else {
            return;
        };
        let composing = u32::try_from(surface.composing_at()).ok();
        let replica = self.document.replica();
        let steps = {
            let mut binding = self.binding.borrow_mut();
            let Some(binding) = binding.as_mut() else {
                return;
            };
            let replica = replica.borrow();
            if replica.is_broken() {
                drop(replica);
                return surface.stop("This copy of the page can't be trusted any more.");
            }
            if binding.waiting() > OPERATIONS_SHOWN_MAX && composing.is_none() {
                None
            } else {
                binding.remote(&replica, composing).ok()
            }
        };
        let shown = match steps {
            Some(steps) if steps.is_empty() => Ok(()),
            Some(steps) => surface.show(&codec::write_steps(&steps)),
            None => surface.show_anew(&self.whole()),
        };
        if let Err(error) = shown {
            web_sys::console::error_1(&error);
            surface.stop("Something went wrong in the editor.");
        }
        if self.waits_for_content.get() {
            self.show_carets();
        }
    }

    fn surface(&self) -> Option<Surface> {
        self.surface.borrow().clone()
    }

    /// Shows where the others are.
    fn show_carets(&self) {
        let Some(surface) = self.surface() else {
            return;
        };
        let replica = self.document.replica();
        let people = self.document.presence();
        let mut waits = false;
        let carets = {
            let mut binding = self.binding.borrow_mut();
            let Some(binding) = binding.as_mut() else {
                return;
            };
            let replica = replica.borrow();
            if replica.is_broken() {
                return;
            }
            let located = people.iter().filter_map(|(client, state)| {
                let person = Person::read(state);
                let mut ends = String::new();
                person.cursor?.put_json(&mut ends);
                let Some(selection) = binding.locate(&replica, &ends) else {
                    waits = true;
                    return None;
                };
                Some((*client, person.user, selection))
            });
            let mut carets = String::new();
            json::put_list(&mut carets, located, put_caret);
            carets
        };
        self.waits_for_content.set(waits);
        if let Err(error) = surface.set_carets(&carets) {
            web_sys::console::error_1(&error);
        }
    }

    /// Tells the others who and where this person is.
    pub(super) fn announce(&self) {
        let replica = self.document.replica();
        let cursor = self.selection.get().and_then(|selection| {
            let mut binding = self.binding.borrow_mut();
            let replica = replica.borrow();
            let binding = binding.as_mut().filter(|_| !replica.is_broken())?;
            Some(binding.publish(&replica, selection))
        });
        let cursor = cursor.as_deref().unwrap_or("null");
        let me = self.me.get_untracked();
        let state = me.state(|state| state.plain("cursor", cursor));
        self.document.set_presence(state);
    }

    /// Takes the surface away and lets go of the document.
    pub(super) fn close(&self) {
        self.subscriptions.borrow_mut().clear();
        self.document.release();
        if let Some(surface) = self.surface.borrow_mut().take() {
            surface.destroy();
        }
        self.selection.set(None);
        self.announce();
        if let Some(binding) = self.binding.borrow_mut().take() {
            binding.close(&self.document.replica().borrow());
        }
    }
}

/// `{"client": …, "name": …, "color": …, "anchor": …, "head": …}`
fn put_caret(out: &mut String, (client, user, selection): (u64, User, Selection)) {
    let mut caret = Object::begin(out);
    caret.plain("client", client);
    caret.text("name", &user.name);
    caret.text("color", &user.color);
    caret.plain("anchor", selection.anchor);
    caret.plain("head", selection.head);
    caret.end();
}

/// What happened to an edit that was not taken, and what to do next.
const fn why_refused(error: &BindingError) -> &'static str {
    match error {
        BindingError::Refused(EditError::TooLarge) => {
            "That was too much at once, so none of it was put in. The page is as it was before; add it in smaller parts."
        }
        BindingError::Refused(_) => {
            "That holds something a page can't keep, so it was not put in. The page is as it was before."
        }
        BindingError::Step(_) | BindingError::OutOfStep => {
            "The last change could not be made and was taken back; everything before it is kept. Try it again, and reload if it happens again."
        }
    }
}

/// Markdown as blocks in JSON; empty when it can't be read.
fn markdown(converter: &Converter, text: &str) -> String {
    let flow = converter
        .read_markdown(text)
        .ok()
        .and_then(|flow| codec::read_flow(&flow).ok());
    flow.map_or_else(String::new, |flow| codec::write_blocks(&blocks_of(&flow)))
}

/// Reads `[join, anchor before, head before, anchor after, head after, hold, whole]`.
fn read_context(context: &str) -> (EditContext, bool) {
    let context = json::read(context);
    let parts = context.as_ref().and_then(json::list).unwrap_or_default();
    let place = |at: usize| json::whole_u32(parts.get(at)?);
    let is = |at: usize| parts.get(at).and_then(json::flag) == Some(true);
    let selection = |at: usize| {
        place(at)
            .zip(place(at + 1))
            .map(|(anchor, head)| Selection { anchor, head })
    };
    let join = match parts.first().and_then(json::text) {
        Some("starts") => Join::Starts,
        Some("alone") => Join::Alone,
        Some("more") => Join::More,
        _ => Join::Allowed,
    };
    let context = EditContext {
        now: platform::now(),
        join,
        before: selection(1),
        after: selection(3),
        edges: if is(6) { Edges::Whole } else { Edges::Unknown },
    };
    (context, is(5))
}
