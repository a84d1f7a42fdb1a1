//! Single traps, each told as a story.
