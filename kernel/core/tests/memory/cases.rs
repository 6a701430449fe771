//! Single cases that random sequences meet too seldom.
