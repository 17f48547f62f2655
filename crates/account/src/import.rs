//! Other tools' configuration files, read and never executed.
