//! JSON text from and to the CRDT's own values: for all that crosses to JavaScript, to other editors, and in presence.
//!
//! yrs reads JSON anyway, because the formats of a text travel in it. So its values are the model here: a second one
//! would be code that every page has to fetch, and a copy of each key that is typed.

use yrs::{Any, Number};

use crate::flow::delta::{Attrs, attrs_of};

/// Reads one text. `None` if it is not JSON, is nested deeper than 128, or holds a whole number above 2⁶³ − 1.
#[must_use]
pub fn read(json: &str) -> Option<Any> {
    Any::from_json(json).ok()
}

/// What stands in an object under `key`; null if that is absent, or `value` is no object.
#[must_use]
pub fn field<'a>(value: &'a Any, key: &str) -> &'a Any {
    match value {
        Any::Map(map) => map.get(key).unwrap_or(&Any::Null),
        _ => &Any::Null,
    }
}

/// A text.
#[must_use]
pub fn text(value: &Any) -> Option<&str> {
    match value {
        Any::String(text) => Some(text),
        _ => None,
    }
}

/// A whole number, not negative.
#[must_use]
pub fn whole(value: &Any) -> Option<u64> {
    match value {
        Any::Number(Number::Int(number)) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// Like [`whole`], for what fits into 32 bits.
#[must_use]
pub fn whole_u32(value: &Any) -> Option<u32> {
    u32::try_from(whole(value)?).ok()
}

/// Yes or no.
#[must_use]
pub fn flag(value: &Any) -> Option<bool> {
    match value {
        Any::Bool(is) => Some(*is),
        _ => None,
    }
}

/// A list.
#[must_use]
pub fn list(value: &Any) -> Option<&[Any]> {
    match value {
        Any::Array(list) => Some(list),
        _ => None,
    }
}

/// Writes a value behind `out`. One value has one text: the keys of an object stand in their order. What JSON has no
/// word for (bytes, undefined, not-a-number) becomes null.
pub fn put(out: &mut String, value: &Any) {
    match value {
        Any::Null | Any::Undefined | Any::Buffer(_) => out.push_str("null"),
        Any::Bool(is) => out.push_str(if *is { "true" } else { "false" }),
        Any::Number(Number::Int(number)) => out.push_str(&number.to_string()),
        Any::Number(Number::Float(_)) => {
            // Written at the start of the text it is given, whatever is there.
            let mut number = String::new();
            value.to_json(&mut number);
            out.push_str(&number);
        }
        Any::String(text) => put_text(out, text),
        Any::Array(list) => put_list(out, list.iter(), put),
        Any::Map(map) => {
            let pairs = map.iter().map(|(key, value)| (key.clone(), value.clone()));
            put_attrs(out, &attrs_of(pairs));
        }
    }
}

/// Writes attributes as an object behind `out`.
pub fn put_attrs(out: &mut String, attrs: &Attrs) {
    let mut object = Object::begin(out);
    for (key, value) in attrs {
        put(object.key(key), value);
    }
    object.end();
}

/// Writes a text in quotes behind `out`.
pub fn put_text(out: &mut String, text: &str) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\0'..='\u{1f}' => {
                let code = letter as usize;
                out.push_str("\\u00");
                out.extend([HEX[code >> 4], HEX[code & 15]]);
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
}

/// Writes a list behind `out`, each item by `put_item`.
pub fn put_list<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut put_item: impl FnMut(&mut String, T),
) {
    out.push('[');
    let empty = out.len();
    for item in items {
        if out.len() > empty {
            out.push(',');
        }
        put_item(out, item);
    }
    out.push(']');
}

/// An object that is being written.
#[must_use = "an object that was begun must be ended"]
pub struct Object<'a> {
    out: &'a mut String,
    empty: usize,
}

impl<'a> Object<'a> {
    /// Begins one behind `out`.
    pub fn begin(out: &'a mut String) -> Self {
        out.push('{');
        let empty = out.len();
        Self { out, empty }
    }

    /// Writes a key; its value must be written behind what this returns.
    pub fn key(&mut self, key: &str) -> &mut String {
        if self.out.len() > self.empty {
            self.out.push(',');
        }
        put_text(self.out, key);
        self.out.push(':');
        self.out
    }

    /// Writes a key with a text.
    pub fn text(&mut self, key: &str, text: &str) {
        put_text(self.key(key), text);
    }

    /// Writes a key with what has the same form in Rust and in JSON: a whole number, yes or no.
    pub fn plain(&mut self, key: &str, value: impl std::fmt::Display) {
        let value = value.to_string();
        self.key(key).push_str(&value);
    }

    /// Ends it.
    pub fn end(self) {
        self.out.push('}');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &Any) -> String {
        let mut out = String::from("> ");
        put(&mut out, value);
        out.split_off(2)
    }

    #[test]
    fn what_is_read_is_written_as_it_was_with_keys_in_order() {
        for json in [
            "null",
            "[true,false,[],{}]",
            "-7",
            "9223372036854775807",
            "1.5",
            "1e+300",
            r#"{"a":{"é":"\\ \" \n \u0000\u001f 🎉"},"b":[1,"2",null]}"#,
        ] {
            assert_eq!(written(&read(json).unwrap()), json);
        }
        let value = read(r#"{ "b" : 1, "a" : "\u0041\t" }"#).unwrap();
        assert_eq!(written(&value), r#"{"a":"A\u0009","b":1}"#);
    }

    #[test]
    fn what_is_not_json_is_not_read() {
        let deep = "[".repeat(100_000);
        for text in ["", "{", "nul", "[1,]", "'a'", "1 2", "1e999", &deep] {
            assert_eq!(read(text), None, "{}", &text[..text.len().min(9)]);
        }
        assert_eq!(read("18446744073709551615"), None);
    }

    #[test]
    fn what_json_has_no_word_for_is_null() {
        for value in [Any::Undefined, Any::from(f64::NAN), Any::Buffer([1].into())] {
            assert_eq!(written(&value), "null");
        }
    }

    #[test]
    fn a_value_of_another_kind_is_none_and_an_absent_one_is_null() {
        let value = read(r#"{"whole":3,"minus":-3,"part":1.5,"text":"t"}"#).unwrap();
        assert_eq!(whole(field(&value, "whole")), Some(3));
        assert_eq!(whole(field(&value, "minus")), None);
        assert_eq!(whole(field(&value, "part")), None);
        assert_eq!(text(field(&value, "text")), Some("t"));
        assert_eq!(text(field(&value, "whole")), None);
        assert_eq!(field(&value, "absent"), &Any::Null);
        assert_eq!(field(field(&value, "text"), "deeper"), &Any::Null);
    }
}
