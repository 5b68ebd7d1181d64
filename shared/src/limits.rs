//! Every bound that both ends must agree on, with its unit in its name.
//!
//! What an operator may tune lives in the server's configuration; what is here belongs to the protocol.

/// Longest update, in bytes, that the gate lets through: a pasted book, a month offline.
pub const UPDATE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Longest catch-up, in bytes, that goes in one message.
pub const CATCH_UP_WHOLE_BYTES: usize = 1024 * 1024;
/// Longest part, in bytes, of a longer one: also over a slow line a part is through long before either side gives the other
/// up.
pub const CATCH_UP_PART_BYTES: usize = 256 * 1024;
/// Longest WebSocket message, in bytes: one update and its address.
pub const FRAME_BYTES_MAX: usize = UPDATE_BYTES_MAX + 1024;
/// Longest state of one person's presence, in bytes of JSON. A longer one is not shown to others.
pub const PRESENCE_STATE_BYTES_MAX: usize = 4 * 1024;
/// Longest presence payload, in bytes. Stock clients say again what they hear, so it may hold a whole room.
pub const PRESENCE_BYTES_MAX: usize = 256 * 1024;
/// Highest clock of a presence entry. A caret that moves 60 times a second takes a year to get there; near the
/// end of what peers can count, one forged entry would silence its victim.
pub const PRESENCE_CLOCK_MAX: u32 = 1 << 31;
/// Most entries a document's roster holds, gone people included.
pub const PRESENCE_ENTRIES_MAX: usize = 4_096;
/// Most entries one connection may stand behind: a person has one, a bot that plays several a few.
pub const PRESENCE_ENTRIES_PER_CONNECTION_MAX: usize = 64;
/// Pause, in milliseconds, between a client's announcements of an unchanged state.
pub const PRESENCE_RENEW_EVERY_MS: u64 = 15_000;
/// How long, in milliseconds, a state is shown without being announced again. Connections that end take their
/// states with them at once; this is the net below, wide enough for background tabs, whose timers run once a minute.
pub const PRESENCE_STATE_KEPT_MS: u64 = 120_000;
/// How long, in milliseconds, it is remembered that someone left, so that a late copy does not bring them back
/// and that a client that returns hears of it and announces itself anew.
pub const PRESENCE_GONE_KEPT_MS: u64 = 60_000;
/// Longest encoded state vector, in bytes: about 260,000 writers.
pub const STATE_VECTOR_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Highest clock a writer can reach in a document. `yrs` counts in 32 bits and adds clocks to lengths; half of
/// that range can't overflow, and is seven years of ten characters a second, day and night.
pub const CLOCK_MAX: u32 = (1 << 31) - 1;
/// Longest run of clocks that one deleted, collected or skipped block may stand for: several of the longest
/// updates, written and deleted again by one writer. Without a bound, 11 bytes use up a writer's every clock.
pub const RUN_CLOCKS_MAX: u32 = 1 << 26;
/// Most blocks in one update: a document of a million separate edits, sent whole.
pub const UPDATE_BLOCKS_MAX: u32 = 1_000_000;
/// Most deleted ranges in one update.
pub const UPDATE_DELETIONS_MAX: u32 = 1_000_000;
/// Most single values (numbers, texts, lists …) in one update. One costs a byte here and 16 when decoded.
pub const UPDATE_VALUES_MAX: u32 = 4 * 1024 * 1024;
/// Most writers in one update: as many as a state vector of [`STATE_VECTOR_BYTES_MAX`] names.
pub const UPDATE_WRITERS_MAX: usize = 262_144;
/// Most writers in one message whose ids agree in their low 16 bits. `yrs` finds writers by those bits alone:
/// drawn by chance, of 262,144 ids no 30 agree; chosen to agree, 100,000 of them cost seconds.
pub const LIKE_WRITERS_MAX: usize = 64;
/// Most writers of one document. As many as fit into a state vector of [`STATE_VECTOR_BYTES_MAX`], whatever their ids and
/// clocks: beyond it, nobody could ask for the document any more.
pub const DOCUMENT_WRITERS_MAX: usize = 160_000;
/// Deepest nesting of a value inside an update.
pub const VALUE_DEPTH_MAX: usize = 64;
/// Deepest nesting of shared types in a document.
pub const TREE_DEPTH_MAX: usize = 128;
/// Longest exchange over plain HTTP, in bytes: one frame, and what stands before it.
pub const EXCHANGE_BYTES_MAX: usize = FRAME_BYTES_MAX + 1024 * 1024;
/// Most frames in one exchange.
pub const EXCHANGE_FRAMES_MAX: usize = 1_024;
/// Most documents one exchange follows.
pub const EXCHANGE_FOLLOWED_MAX: usize = 100;
/// Longest time, in milliseconds, an exchange waits for something to tell: proxies commonly cut off what is silent for 30 s.
pub const EXCHANGE_HOLD_MS_MAX: u64 = 25_000;
/// How long, in milliseconds, one who comes by exchanges is shown without being announced again: between two of them there
/// is no connection whose end could be told. Timers of hidden tabs run once a minute.
pub const PRESENCE_OF_VISITOR_KEPT_MS: u64 = 75_000;
/// The same, when an exchange was cut off that waited for something to tell: whoever is there comes back before.
pub const PRESENCE_OF_CUT_VISITOR_KEPT_MS: u64 = 5_000;

/// Longest silence, in milliseconds, before either side gives the connection up.
pub const SILENCE_DEADLINE_MS: u64 = 30_000;
/// Pause, in milliseconds, between signs of life on an idle connection.
pub const HEARTBEAT_EVERY_MS: u64 = 10_000;
const _: () = assert!(
    HEARTBEAT_EVERY_MS * 2 < SILENCE_DEADLINE_MS,
    "one lost heartbeat must not end a connection"
);
const _: () = assert!(EXCHANGE_HOLD_MS_MAX < SILENCE_DEADLINE_MS);
const _: () = assert!(60_000 < PRESENCE_OF_VISITOR_KEPT_MS, "a hidden tab's timer");
const _: () = assert!(PRESENCE_OF_VISITOR_KEPT_MS < PRESENCE_STATE_KEPT_MS);
const _: () = assert!(PRESENCE_OF_CUT_VISITOR_KEPT_MS < PRESENCE_OF_VISITOR_KEPT_MS);
const _: () = assert!(UPDATE_BYTES_MAX < FRAME_BYTES_MAX);
const _: () = assert!(CATCH_UP_PART_BYTES <= CATCH_UP_WHOLE_BYTES);
const _: () = assert!(CATCH_UP_WHOLE_BYTES < UPDATE_BYTES_MAX);
const _: () = assert!(
    CATCH_UP_WHOLE_BYTES as u64 * 8 * 1000 / SILENCE_DEADLINE_MS < 300_000,
    "300 kbit/s must do"
);
const _: () = assert!(
    UPDATE_BYTES_MAX <= RUN_CLOCKS_MAX as usize,
    "any insertion may be deleted"
);
const _: () = assert!(RUN_CLOCKS_MAX < CLOCK_MAX / 16);
const _: () = assert!(DOCUMENT_WRITERS_MAX * (8 + 5) + 5 <= STATE_VECTOR_BYTES_MAX);
const _: () = assert!(PRESENCE_STATE_BYTES_MAX + 64 < PRESENCE_BYTES_MAX);
const _: () = assert!(PRESENCE_RENEW_EVERY_MS * 2 < PRESENCE_STATE_KEPT_MS);
const _: () = assert!(PRESENCE_ENTRIES_PER_CONNECTION_MAX < PRESENCE_ENTRIES_MAX);
