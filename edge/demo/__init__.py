"""Things to try the rest with where there is no camera, no broker and no driver."""
