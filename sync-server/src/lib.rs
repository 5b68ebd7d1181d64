//! The program around the rooms: ports, adapters, use cases.
