// Package policies embeds the Rego rules that judge the fleet, with their
// tests. It holds data only: platform/policy compiles and evaluates it. It
// imports nothing of the project.
package policies

import "embed"

// FS holds every Rego file: the entry points at its root, shared helpers in
// lib, and one folder a group of rules. Files ending in _test.rego are tests.
// exceptions.yaml is what the components of components/ need.
//
//go:embed *.rego */*.rego exceptions.yaml
var FS embed.FS
