//! Between the editing surface and the flow: steps to operations and back.
//!
//! ProseMirror shows a flow as a flat list of blocks. What it did ([`SurfaceStep`]) becomes one change of the flow,
//! in one transaction and in time proportional to the change; what others did becomes the fewest steps that show it.
//! Nothing here compares documents, and nothing knows JavaScript, the network or the clock.
//!
//! Between two calls of [`Binding::remote`] the flow may run ahead of the surface. The difference is kept as a
//! [`Change`](change::Change), and what the surface does meanwhile is carried across it.

#![warn(missing_docs)]

pub mod binding;
pub mod change;
pub mod codec;
pub mod surface;

mod caret;
mod format;
mod index;
mod local;
mod remote;
mod shown;
mod undo;

pub use binding::{
    Binding, BindingError, Edges, EditContext, Join, LocalOutcome, Selection, UndoOutcome,
    blocks_of,
};
pub use local::StepError;
pub use surface::{Look, Slice, SurfaceBlock, SurfaceStep};
pub use undo::Direction;
