//! Under construction.
mod wheel;
