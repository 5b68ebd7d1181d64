//! Settings that are whole numbers: their defaults and bounds.

use super::{
    ALL_OF_AN_ADDRESS_ANEW_S, AUDIT_KEPT_DAYS, CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX,
    DOCUMENTS_MEMORY_MIB, DRAIN_S, EXCHANGES_MAX,
};

/// A setting that is a whole number.
pub(super) struct Count {
    pub(super) variable: &'static str,
    pub(super) default: usize,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) example: &'static str,
}

pub(super) const CONNECTIONS: Count = Count {
    variable: "SHEAF_CONNECTIONS_MAX",
    default: CONNECTIONS_MAX,
    min: 1,
    max: 10_000_000,
    example: "16384",
};
pub(super) const PER_ADDRESS: Count = Count {
    variable: "SHEAF_CONNECTIONS_PER_ADDRESS_MAX",
    default: CONNECTIONS_PER_ADDRESS_MAX,
    min: 1,
    max: 10_000_000,
    example: "1024",
};
pub(super) const PER_LOOPBACK: Count = Count {
    variable: "SHEAF_CONNECTIONS_PER_LOOPBACK_MAX",
    default: CONNECTIONS_MAX,
    min: 1,
    max: 10_000_000,
    example: "16384",
};
pub(super) const ADDRESS_RATE: Count = Count {
    variable: "SHEAF_CONNECTIONS_PER_ADDRESS_RATE",
    default: CONNECTIONS_PER_ADDRESS_MAX / ALL_OF_AN_ADDRESS_ANEW_S,
    min: 0,
    max: 1_000_000,
    example: "128",
};
pub(super) const LOOPBACK_RATE: Count = Count {
    variable: "SHEAF_CONNECTIONS_PER_LOOPBACK_RATE",
    default: 0,
    min: 0,
    max: 1_000_000,
    example: "0",
};
pub(super) const EXCHANGES: Count = Count {
    variable: "SHEAF_EXCHANGES_MAX",
    default: EXCHANGES_MAX,
    min: 0,
    max: 10_000_000,
    example: "4096",
};
pub(super) const DRAIN: Count = Count {
    variable: "SHEAF_DRAIN_SECONDS",
    default: DRAIN_S,
    min: 0,
    max: 3_600,
    example: "15",
};
pub(super) const AUDIT_DAYS: Count = Count {
    variable: "SHEAF_AUDIT_DAYS",
    default: AUDIT_KEPT_DAYS,
    min: 0,
    max: 100_000,
    example: "365",
};
pub(super) const MEMORY: Count = Count {
    variable: "SHEAF_DOCUMENTS_MEMORY_MIB",
    default: DOCUMENTS_MEMORY_MIB,
    min: 16,
    max: 16 * 1024 * 1024,
    example: "1024",
};
pub(super) const THREADS: Count = Count {
    variable: "SHEAF_THREADS",
    default: 2,
    min: 1,
    max: 1_024,
    example: "4",
};
