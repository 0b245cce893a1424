package main

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/cilium/cilium/pkg/option"
	"github.com/spf13/viper"
)

// contradictions are what the agent finds only once it runs as root on a node,
// after its options are validated; the rules are its own, the code is ours.
func contradictions(c *option.DaemonConfig, vp *viper.Viper) []problem {
	var out []problem
	say := func(key, format string, args ...any) {
		out = append(out, problem{File: key, Message: fmt.Sprintf(format, args...)})
	}
	if !slices.Contains([]string{option.KubeProxyReplacementTrue, option.KubeProxyReplacementFalse}, c.KubeProxyReplacement) {
		say(option.KubeProxyReplacement, "%q is neither %q nor %q", c.KubeProxyReplacement, option.KubeProxyReplacementTrue, option.KubeProxyReplacementFalse)
	}
	if modes := []string{option.NodePortModeSNAT, option.NodePortModeDSR, option.NodePortModeHybrid}; !slices.Contains(modes, c.NodePortMode) {
		say(option.LoadBalancerMode, "%q is none of %v", c.NodePortMode, modes)
	}
	if modes := []string{option.NodePortAccelerationDisabled, option.NodePortAccelerationGeneric, option.NodePortAccelerationNative,
		option.XDPModeBestEffort}; !slices.Contains(modes, c.NodePortAcceleration) {
		say(option.LoadBalancerAcceleration, "%q is none of %v", c.NodePortAcceleration, modes)
	}
	if algorithms := []string{option.NodePortAlgRandom, option.NodePortAlgMaglev}; !slices.Contains(algorithms, c.NodePortAlg) {
		say(option.LoadBalancerAlg, "%q is none of %v", c.NodePortAlg, algorithms)
	}
	if c.NodePortAlg == option.NodePortAlgMaglev && (c.MaglevTableSize < 251 || c.MaglevTableSize > 131071 || !big.NewInt(int64(c.MaglevTableSize)).ProbablyPrime(0)) {
		say(option.MaglevTableSize, "%d is no prime between 251 and 131071", c.MaglevTableSize)
	}
	if c.NodePortMode != option.NodePortModeSNAT && c.LoadBalancerDSRDispatch == option.DSRDispatchOption && c.RoutingMode == option.RoutingModeTunnel {
		say(option.LoadBalancerMode, "direct server return by IP options needs %s %q", option.RoutingMode, option.RoutingModeNative)
	}
	if vp.GetBool("enable-bbr") && !vp.GetBool("enable-bandwidth-manager") {
		say("enable-bbr", "needs enable-bandwidth-manager")
	}
	if sum := c.CTMapEntriesGlobalTCP + c.CTMapEntriesGlobalAny; vp.IsSet(option.NATMapEntriesGlobalName) && c.NATMapEntriesGlobal > sum*2/3 {
		say(option.NATMapEntriesGlobalName, "%d is more than two thirds of the %d that connection tracking holds, the share that the agent takes itself", c.NATMapEntriesGlobal, sum)
	}
	return out
}
