//! The format of system manifests: which programs an image holds and what each of them is given.
