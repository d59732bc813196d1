package journal

// Scaled is for the tests outside the package.
var Scaled = scaled
