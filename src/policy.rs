//! Pure decisions about gates. Empty until environments and approvals arrive.
