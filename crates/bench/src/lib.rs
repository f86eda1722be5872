//! How right Knarr is: methods scored on published fields and metrics, beside other programs.

pub mod accuracy;
