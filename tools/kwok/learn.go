package main

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kwok/pkg/utils/cel"
)

// learn makes known the Go types that stages are judged with. The library
// (github.com/wzshiming/easycel 0.6.0, types.go) keeps what it knows of types in a map
// without a lock, and kwok's controllers, of nodes, pods and other objects, fill it
// side by side when they meet their first objects: now and then Go ends the program
// for that. Once all is known, they only read.
func learn() error {
	for _, self := range []any{(*corev1.Node)(nil), (*corev1.Pod)(nil), map[string]any{}} {
		if err := environment(self); err != nil {
			return fmt.Errorf("learn the types of stages: %w", err)
		}
	}
	return nil
}

// environment is made as kwok's stages make theirs for their first object.
func environment(self any) error {
	_, err := cel.NewEnvironment(cel.EnvironmentConfig{
		Types: slices.Clone(cel.DefaultTypes), Conversions: slices.Clone(cel.DefaultConversions),
		Methods: maps.Clone(cel.FuncsToMethods(cel.DefaultFuncs)), Funcs: maps.Clone(cel.DefaultFuncs),
		Vars: map[string]any{"self": self},
	})
	return err
}
