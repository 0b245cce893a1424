// Package parts takes the stack apart: every component is turned off on every
// cluster, and rendered alone with each profile. Each time there is a bundle, or
// an error that names file, line and mend. It runs no cluster.
package parts
