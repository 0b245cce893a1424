package main

import (
	tlsv3 "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
)

// tls holds that both ends name the least version that they take. What Envoy takes
// by default moves with Envoy.
func (c *checker) tls(at place, t *tlsv3.CommonTlsContext) {
	at = at.in("tls_params")
	switch least := t.GetTlsParams().GetTlsMinimumProtocolVersion(); least {
	case tlsv3.TlsParameters_TLSv1_2, tlsv3.TlsParameters_TLSv1_3:
	case tlsv3.TlsParameters_TLS_AUTO:
		c.refuse(at, "no least version of TLS is named; write tls_minimum_protocol_version: TLSv1_2 or TLSv1_3")
	default:
		c.refuse(at.in("tls_minimum_protocol_version"), "%s is broken; write TLSv1_2 or TLSv1_3", least)
	}
}

// verified holds that the other end's certificate is looked at: without that Envoy
// encrypts for anybody.
func (c *checker) verified(at place, t *tlsv3.CommonTlsContext, who string) {
	if t.GetValidationContextType() == nil {
		c.refuse(at, "nothing verifies the %s's certificate; give validation_context, or a secret of one", who)
	}
}
