// Package deprecated holds that nothing in the repository is unknown or deprecated
// at the versions that are exercised, where strict decoding does not say so: flags
// by the programs' own words, fields by the documentation of the Go types that the
// programs are built from, the collector by its log. Envoy's fields are judged by
// tools/envoy, from the marks in their descriptors. They are built with the tag
// "real", since they build those programs.
package deprecated
