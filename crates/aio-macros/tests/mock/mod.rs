//! What the attributes expand to, as far as they ask for it.

pub(crate) mod testing;
