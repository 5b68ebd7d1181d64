//! Who is here: caret, name, colour, expiry. Data only.
