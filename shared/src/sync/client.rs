//! The browser's side: which documents are open, which edits wait for their acknowledgement, when to dial again.
