package policy

import "slices"

type groupCase struct {
	name       string
	docs       string
	production bool
	rules      string
	want       []string
}

func groupCases() []groupCase {
	return slices.Concat(networkCases(), meshCases(), gitopsCases(), dataCases())
}

const shop = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: a, ports: [{name: http, containerPort: 8080}]}]}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: sweep, namespace: shop}
spec:
  schedule: "0 1 * * *"
  jobTemplate: {spec: {template: {metadata: {labels: {app: sweep}}, spec: {containers: [{name: a, image: a}]}}}}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {selector: {app: web}, ports: [{name: tcp-web, port: 80, targetPort: 8080}]}
---
`

func networkCases() []groupCase {
	return []groupCase{
		{name: "selectors", rules: "DT-NET-003", docs: shop + `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: good, namespace: shop}
spec:
  podSelector: {matchLabels: {app: sweep}}
  ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}, podSelector: {matchLabels: {app: web}}}]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: bad, namespace: shop}
spec:
  podSelector: {matchLabels: {app: wbe}}
  ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shpo}}}]}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: cilium, namespace: shop}
spec: {endpointSelector: {matchLabels: {"k8s:app": wbe}}}
`, want: []string{
			"DT-NET-003 CiliumNetworkPolicy cilium /spec/endpointSelector warning",
			"DT-NET-003 NetworkPolicy bad /spec/ingress/0/from/0/namespaceSelector warning",
			"DT-NET-003 NetworkPolicy bad /spec/podSelector warning",
		}},
		{name: "routes", rules: "DT-NET-005", docs: `
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: a, namespace: shop}
spec:
  tls: [{hosts: [shop.example.org], secretName: cert}]
  rules: [{host: shop.example.org, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: b, namespace: other}
spec:
  tls: [{hosts: ["*.example.org"], secretName: cert}]
  rules: [{host: shop.example.org, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gate, namespace: shop}
spec:
  gatewayClassName: x
  listeners:
  - {name: http, port: 80, protocol: HTTP, hostname: a.example.org}
  - {name: plain, port: 81, protocol: HTTP, hostname: a.example.org}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: redirect, namespace: shop}
spec:
  parentRefs: [{name: gate, sectionName: http}]
  rules: [{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}]
`, want: []string{
			"DT-NET-005 Gateway gate /spec/listeners/1/protocol warning",
			"DT-NET-005 Ingress a /spec/rules/0/http/paths/0/path warning",
			"DT-NET-005 Ingress b /spec/rules/0/http/paths/0/path warning",
		}},
		{name: "services and settings", rules: "DT-NET-004 DT-NET-006", docs: `
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {selector: {app: web}, ports: [{port: 80}], externalIPs: [203.0.113.5]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: cilium}
data: {enable-policy: never, policy-audit-mode: "true"}
`, want: []string{
			"DT-NET-004 Service web /spec/externalIPs/0 warning",
			"DT-NET-006 ConfigMap cilium-config /data/enable-policy error",
			"DT-NET-006 ConfigMap cilium-config /data/policy-audit-mode error",
		}},
		{name: "names", rules: "DT-NET-006 DT-NET-007", docs: `
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: all}
spec: {endpointSelector: {}, egress: [{toFQDNs: [{matchName: a.example.org}]}]}
`, want: []string{
			"DT-NET-006 CiliumClusterwideNetworkPolicy all /spec/egress error",
			"DT-NET-007 CiliumClusterwideNetworkPolicy all /spec/egress/0/toFQDNs warning",
		}},
	}
}

func meshCases() []groupCase {
	return []groupCase{
		{name: "mesh without policy", rules: "DT-MSH", docs: shop + `
apiVersion: v1
kind: Namespace
metadata: {name: plain}
---
apiVersion: v1
kind: Pod
metadata: {name: p, namespace: plain}
spec: {containers: [{name: a, image: a}]}
---
apiVersion: v1
kind: Pod
metadata: {name: apart, namespace: shop, labels: {sidecar.istio.io/inject: "false"}}
spec: {containers: [{name: a, image: a}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: web, namespace: plain}
spec: {host: web.shop.svc.cluster.local, trafficPolicy: {tls: {mode: DISABLE}}}
`, want: []string{
			"DT-MSH-001 Namespace shop /metadata/name error",
			"DT-MSH-002 DestinationRule web /spec/trafficPolicy/tls/mode error",
			"DT-MSH-003 Namespace shop /metadata/name warning",
			"DT-MSH-004 Namespace plain /metadata/name warning",
			"DT-MSH-004 Pod apart /metadata/labels/sidecar.istio.io~1inject warning",
		}},
		{name: "mesh with policy", rules: "DT-MSH", docs: shop + `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: default, namespace: istio-system}
spec: {mtls: {mode: STRICT}}
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, mtls: {mode: STRICT}, portLevelMtls: {"8080": {mode: PERMISSIVE}}}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, rules: [{to: [{operation: {methods: [GET]}}]}]}
`, want: []string{
			"DT-MSH-001 PeerAuthentication web /spec/portLevelMtls/8080/mode error",
			"DT-MSH-003 AuthorizationPolicy web /spec/rules/0/to/0/operation/methods warning",
			"DT-MSH-003 Namespace shop /metadata/name warning",
		}},
	}
}

func gitopsCases() []groupCase {
	return []groupCase{
		{name: "reconcilers", rules: "DT-GIT-001 DT-GIT-006 DT-GIT-008 DT-GIT-009 DT-GIT-010", docs: `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: root}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: root, namespace: shop}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: helm-controller, namespace: flux-system}
spec: {template: {spec: {containers: [{name: manager, image: a, args: [--default-service-account=default]}]}}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: a, namespace: shop}
spec: {interval: 5m, path: ./a, prune: true, force: true, serviceAccountName: root, sourceRef: {kind: GitRepository, name: src}, dependsOn: [{name: b}, {name: operator}]}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: b, namespace: shop}
spec: {interval: 5m, path: ./b, prune: true, wait: true, sourceRef: {kind: GitRepository, name: src}, dependsOn: [{name: a}]}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: operator, namespace: shop}
spec: {interval: 5m, chart: {spec: {chart: strimzi-kafka-operator, sourceRef: {kind: HelmRepository, name: strimzi}}}}
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaUser
metadata: {name: u, namespace: shop}
spec: {authentication: {type: tls}}
`, want: []string{
			"DT-GIT-001 Kustomization a /spec/serviceAccountName error",
			"DT-GIT-001 Kustomization b /spec error",
			"DT-GIT-006 HelmRelease operator /spec/chart/spec/chart error",
			"DT-GIT-006 Kustomization a /spec/dependsOn/0 error",
			"DT-GIT-006 Kustomization a /spec/dependsOn/1 error",
			"DT-GIT-006 Kustomization b /spec/dependsOn/0 error",
			"DT-GIT-006 Kustomization b /spec/dependsOn/0 info",
			"DT-GIT-008 HelmRelease operator /spec/upgrade/crds warning",
			"DT-GIT-009 HelmRelease operator /spec/driftDetection/mode warning",
			"DT-GIT-010 Kustomization a /spec/force warning",
		}},
		{name: "one folder twice", rules: "DT-GIT-011", docs: `
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: a, namespace: shop}
spec: {path: ./a, sourceRef: {kind: GitRepository, name: src}}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: b, namespace: shop}
spec: {path: ./a, sourceRef: {kind: GitRepository, name: src}}
`, want: []string{
			"DT-GIT-011 Kustomization a /spec/path error",
			"DT-GIT-011 Kustomization b /spec/path error",
		}},
		{name: "applications", production: true, rules: "DT-GIT-002 DT-GIT-003 DT-GIT-005 DT-GIT-009", docs: `
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: shop, namespace: argocd}
spec: {sourceNamespaces: [pay]}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: web, namespace: shop}
spec:
  project: shop
  source: {repoURL: https://git.example/a, path: ., targetRevision: main}
  destination: {namespace: shop, server: https://10.0.0.1}
  syncPolicy: {automated: {allowEmpty: true}}
`, want: []string{
			"DT-GIT-002 Application web /metadata/namespace error",
			"DT-GIT-003 Application web /spec/source/targetRevision error",
			"DT-GIT-005 Application web /spec/syncPolicy/automated/allowEmpty error",
			"DT-GIT-005 Application web /spec/syncPolicy/automated/prune warning",
			"DT-GIT-009 Application web /spec/syncPolicy/automated/selfHeal warning",
		}},
		{name: "sources", rules: "DT-GIT-004", docs: `
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: a, namespace: shop}
spec: {interval: 5m, url: oci://registry.example/a, insecure: true, ref: {tag: v1}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {name: b, namespace: shop}
spec: {interval: 5m, url: https://charts.example, passCredentials: true}
`, want: []string{
			"DT-GIT-004 HelmRepository b /spec/passCredentials warning",
			"DT-GIT-004 OCIRepository a /spec/insecure warning",
			"DT-GIT-004 OCIRepository a /spec/verify warning",
		}},
	}
}

func dataCases() []groupCase {
	return []groupCase{
		{name: "kafka", production: true, rules: "DT-DAT", docs: `
apiVersion: kafka.strimzi.io/v1beta2
kind: Kafka
metadata: {name: main, namespace: shop}
spec:
  kafka:
    config: {default.replication.factor: 3, min.insync.replicas: 2}
    listeners: [{name: out, port: 9094, type: loadbalancer, tls: false, authentication: {type: scram-sha-512}}]
    authorization: {type: simple}
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaNodePool
metadata: {name: pool, namespace: shop, labels: {strimzi.io/cluster: main}}
spec: {replicas: 2, roles: [broker], storage: {type: jbod, volumes: [{id: 0, type: persistent-claim, size: 1Gi, class: fast, deleteClaim: true}]}}
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaTopic
metadata: {name: orders, namespace: shop, labels: {strimzi.io/cluster: main}}
spec: {partitions: 6, replicas: 2}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: fast}
provisioner: x.example
`, want: []string{
			"DT-DAT-001 Kafka main /spec/kafka/rack warning",
			"DT-DAT-001 Kafka main /spec/kafka/replicas error",
			"DT-DAT-001 KafkaTopic orders /spec/config/min.insync.replicas error",
			"DT-DAT-001 KafkaTopic orders /spec/replicas error",
			"DT-DAT-002 Kafka main /spec/kafka/listeners/0/tls error",
			"DT-DAT-003 Kafka main /spec/kafka/config/delete.topic.enable error",
			"DT-DAT-003 KafkaNodePool pool /spec/storage/volumes/0/deleteClaim error",
			"DT-DAT-003 StorageClass fast /reclaimPolicy error",
		}},
		{name: "backups", production: true, rules: "DT-DAT", docs: `
apiVersion: velero.io/v1
kind: Schedule
metadata: {name: daily, namespace: velero}
spec: {schedule: "0 1 * * *", paused: false, template: {includedNamespaces: [shop], ttl: 72h0m0s}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: a, namespace: shop}
spec: {storageClassName: fast}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: pay}
spec:
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: a, image: a}]}}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {}}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: kept}
spec:
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: a, image: a}]}}
  volumeClaimTemplates: [{metadata: {name: data}, spec: {}}]
---
apiVersion: snapscheduler.backube/v1
kind: SnapshotSchedule
metadata: {name: daily, namespace: kept}
spec: {schedule: "0 1 * * *", claimSelector: {matchLabels: {app: db}}}
`, want: []string{
			"DT-DAT-003 StatefulSet db /spec/persistentVolumeClaimRetentionPolicy/whenDeleted error",
			"DT-DAT-004 Schedule daily /spec/template/ttl warning",
			"DT-DAT-004 StatefulSet db /metadata/name warning",
		}},
		{name: "monitors", rules: "DT-OBS", docs: shop + `
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: web, namespace: shop}
spec: {selector: {matchLabels: {app: web}}, endpoints: [{port: metrics, tlsConfig: {insecureSkipVerify: true}}]}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: web, namespace: other}
spec: {namespaceSelector: {any: true}, selector: {matchLabels: {app: web}}, podMetricsEndpoints: [{port: http}]}
---
apiVersion: monitoring.coreos.com/v1
kind: Prometheus
metadata: {name: main, namespace: other}
spec: {ruleSelector: {matchLabels: {role: alerts}}, ruleNamespaceSelector: {}}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: a, namespace: shop, labels: {role: alerts}}
spec: {groups: [{name: a, rules: [{alert: Down, expr: up == 0, for: 5m, labels: {severity: page}, annotations: {runbook_url: a}}]}]}
---
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata: {name: b, namespace: shop}
spec: {groups: [{name: a, rules: [{alert: Down, expr: up == 0, for: 5m, labels: {severity: page}, annotations: {runbook_url: a}}]}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: detection, namespace: shop}
data:
  local.yaml: |
    - rule: Terminal shell in container
      enabled: false
    - macro: shell_procs
      condition: (never_true)
  no.yaml: "- rule: [\n"
  text: "- rule: A\nand so on"
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: falco, namespace: shop}
spec: {template: {spec: {containers: [{name: a, image: a}]}}}
`, want: []string{
			"DT-OBS-001 PrometheusRule a /spec/groups/0/rules/0/alert info",
			"DT-OBS-001 PrometheusRule b /metadata/labels warning",
			"DT-OBS-001 PrometheusRule b /spec/groups/0/rules/0/alert info",
			"DT-OBS-002 ServiceMonitor web /spec/endpoints/0/port warning",
			"DT-OBS-002 ServiceMonitor web /spec/endpoints/0/tlsConfig/insecureSkipVerify warning",
			"DT-OBS-003 ConfigMap detection /data/local.yaml warning",
			"DT-OBS-003 ConfigMap detection /data/local.yaml warning",
			"DT-OBS-003 DaemonSet falco /spec/template/spec/tolerations warning",
		}},
		{name: "definitions", rules: "DT-API-002 DT-API-003", docs: `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: helmreleases.helm.toolkit.fluxcd.io}
spec:
  group: helm.toolkit.fluxcd.io
  names: {kind: HelmRelease, plural: helmreleases}
  scope: Namespaced
  preserveUnknownFields: true
  versions: [{name: v2beta1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
---
apiVersion: helm.toolkit.fluxcd.io/v2beta1
kind: HelmRelease
metadata: {name: known, namespace: shop}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1beta2
kind: Kustomization
metadata: {name: old, namespace: shop}
`, want: []string{
			"DT-API-002 Kustomization old /apiVersion warning",
			"DT-API-003 CustomResourceDefinition helmreleases.helm.toolkit.fluxcd.io /spec/preserveUnknownFields warning",
		}},
	}
}
