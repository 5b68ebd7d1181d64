//! Between the editing surface and the flow: steps become operations, changes become steps. Pure.
