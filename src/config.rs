//! Settings: flags over environment over file over defaults, and the directories state lives in.
