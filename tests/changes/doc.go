// Package changes holds what the product says of a change against what a real API
// server says to the same update. It never asks a cluster for anything but dry
// runs of updates, of objects that it made itself.
package changes
