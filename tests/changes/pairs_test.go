package changes

// pair is an object and changes of it, each a merge patch with what the API server
// says of it: refused or not.
type pair struct {
	name    string
	object  string
	patches map[string]bool
}

const podTemplate = `
  template:
    metadata: {labels: {app: a}}
    spec: {containers: [{name: a, image: "registry.example/a:1"}]}
`

func pairs() []pair {
	return append(workloads(), others()...)
}

func workloads() []pair {
	return []pair{
		{"Deployment", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: default}\nspec:\n  selector: {matchLabels: {app: a}}" + podTemplate, map[string]bool{
			`spec: {replicas: 3}`:                              false,
			`spec: {template: {metadata: {labels: {app: b}}}}`: true,
			`spec: {selector: {matchLabels: {app: b}}, template: {metadata: {labels: {app: b}}}}`:                    true,
			`spec: {selector: {matchLabels: {more: b}}, template: {metadata: {labels: {more: b}}}}`:                  true,
			`spec: {template: {metadata: {labels: {more: b}}}}`:                                                      false,
			`spec: {template: {spec: {containers: [{name: a, image: "registry.example/a:2"}]}}}`:                     false,
			`spec: {strategy: {type: Recreate}}`:                                                                     true,
			`spec: {strategy: {type: RollingUpdate}}`:                                                                false,
			`spec: {strategy: {rollingUpdate: {maxSurge: 2}}}`:                                                       false,
			`metadata: {labels: {x: z}}`:                                                                             false,
			`spec: {template: {spec: {nodeSelector: {x: "y"}, containers: [{name: b, image: registry.example/b}]}}}`: false,
		}},
		{"DaemonSet", "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: d, namespace: default}\nspec:\n  selector: {matchLabels: {app: a}}" + podTemplate, map[string]bool{
			`spec: {selector: {matchLabels: {app: b}}, template: {metadata: {labels: {app: b}}}}`: true,
			`spec: {updateStrategy: {type: OnDelete}}`:                                            false,
			`spec: {minReadySeconds: 5}`:                                                          false,
		}},
		{"StatefulSet", `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: s, namespace: default}
spec:
  serviceName: s
  selector: {matchLabels: {app: a}}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}` + podTemplate, map[string]bool{
			`spec: {replicas: 3}`:                       false,
			`spec: {serviceName: other}`:                true,
			`spec: {podManagementPolicy: Parallel}`:     true,
			`spec: {podManagementPolicy: OrderedReady}`: false,
			`spec: {revisionHistoryLimit: 10}`:          false,
			`spec: {revisionHistoryLimit: 3}`:           true,
			`spec: {minReadySeconds: 3}`:                false,
			`spec: {updateStrategy: {type: OnDelete}}`:  true,
			`spec: {persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}}`:                                               false,
			`spec: {volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}}]}`: true,
			`spec: {volumeClaimTemplates: null}`:                                                  true,
			`spec: {selector: {matchLabels: {app: b}}, template: {metadata: {labels: {app: b}}}}`: true,
			`spec: {template: {spec: {containers: [{name: a, image: "registry.example/a:2"}]}}}`:  false,
		}},
		{"Job", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j, namespace: default}\nspec:\n  template:\n    spec: {restartPolicy: Never, containers: [{name: a, image: registry.example/a}]}\n", map[string]bool{
			`spec: {template: {spec: {containers: [{name: a, image: "registry.example/a:2"}]}}}`: true,
			`spec: {completions: 3}`:                          true,
			`spec: {completionMode: NonIndexed}`:              false,
			`spec: {completionMode: Indexed, completions: 1}`: true,
			`spec: {parallelism: 3}`:                          false,
			`spec: {backoffLimit: 2}`:                         false,
			`spec: {activeDeadlineSeconds: 20}`:               false,
			`spec: {ttlSecondsAfterFinished: 20}`:             false,
			`spec: {suspend: true}`:                           false,
		}},
		{"indexed Job", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: i, namespace: default}\nspec:\n  completionMode: Indexed\n  completions: 2\n  parallelism: 2\n  template:\n    spec: {restartPolicy: Never, containers: [{name: a, image: registry.example/a}]}\n", map[string]bool{
			`spec: {completions: 3, parallelism: 3}`: false,
			`spec: {completionMode: NonIndexed}`:     true,
		}},
		{"Deployment that says how it rolls", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: r, namespace: default}\nspec:\n  strategy: {type: RollingUpdate, rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}\n  selector: {matchLabels: {app: a}}" + podTemplate, map[string]bool{
			`spec: {strategy: {type: Recreate, rollingUpdate: null}}`: false,
			`spec: {strategy: null}`:                                  false,
			`spec: {strategy: {rollingUpdate: {maxUnavailable: 1}}}`:  false,
		}},
		{"Deployment that is recreated", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x, namespace: default}\nspec:\n  strategy: {type: Recreate}\n  selector: {matchLabels: {app: a}}" + podTemplate, map[string]bool{
			`spec: {strategy: {type: RollingUpdate}}`: false,
			`spec: {strategy: null}`:                  false,
		}},
		{"CronJob", "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c, namespace: default}\nspec:\n  schedule: 1 1 1 1 1\n  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: registry.example/a}]}}}}\n", map[string]bool{
			`spec: {schedule: 2 2 2 2 2}`: false,
			`spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a, image: "registry.example/a:2"}]}}}}}`: false,
		}},
	}
}

func others() []pair {
	return []pair{
		{"Service", "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: default}\nspec: {selector: {app: a}, ports: [{name: http, port: 80}]}\n", map[string]bool{
			`spec: {clusterIP: None}`:                               true,
			`spec: {type: NodePort}`:                                false,
			`spec: {type: LoadBalancer}`:                            false,
			`spec: {selector: {app: b}}`:                            false,
			`spec: {ports: [{name: http, port: 81}]}`:               false,
			`spec: {type: ExternalName, externalName: example.org}`: false,
		}},
		{"headless Service", "apiVersion: v1\nkind: Service\nmetadata: {name: h, namespace: default}\nspec: {clusterIP: None, selector: {app: a}, ports: [{name: http, port: 80}]}\n", map[string]bool{
			`spec: {clusterIP: null}`:                false,
			`spec: {publishNotReadyAddresses: true}`: false,
		}},
		{"ConfigMap", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: default}\ndata: {a: b}\n", map[string]bool{
			`data: {a: c}`: false, `immutable: true`: false,
		}},
		{"immutable ConfigMap", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: i, namespace: default}\nimmutable: true\ndata: {a: b}\n", map[string]bool{
			`data: {a: c}`: true, `data: {b: c}`: true, `immutable: false`: true, `immutable: null`: true, `metadata: {labels: {x: "y"}}`: false,
		}},
		{"Secret", "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: default}\nstringData: {a: b}\n", map[string]bool{
			`stringData: {a: c}`: false, `type: Opaque`: false, `type: example.org/other`: true, `immutable: true`: false,
		}},
		{"immutable Secret", "apiVersion: v1\nkind: Secret\nmetadata: {name: i, namespace: default}\nimmutable: true\nstringData: {a: b}\n", map[string]bool{
			`stringData: {a: c}`: true, `immutable: null`: true,
		}},
		{"PersistentVolumeClaim", "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: p, namespace: default}\nspec: {storageClassName: none, accessModes: [ReadWriteOnce], resources: {requests: {storage: 2Gi}}}\n", map[string]bool{
			`spec: {accessModes: [ReadWriteMany]}`:          true,
			`spec: {storageClassName: other}`:               true,
			`spec: {volumeMode: Filesystem}`:                false,
			`spec: {volumeMode: Block}`:                     true,
			`spec: {resources: {requests: {storage: 1Gi}}}`: true,
			`metadata: {annotations: {example.org/x: "y"}}`: false,
		}},
		{"RoleBinding", "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: r, namespace: default}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\nsubjects: [{kind: ServiceAccount, name: a, namespace: default}]\n", map[string]bool{
			`roleRef: {name: edit}`: true, `subjects: [{kind: ServiceAccount, name: b, namespace: default}]`: false,
		}},
		{"ClusterRoleBinding", "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: r}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\nsubjects: [{kind: ServiceAccount, name: a, namespace: default}]\n", map[string]bool{
			`roleRef: {name: edit}`: true, `subjects: null`: false,
		}},
		{"StorageClass", "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {name: fast}\nprovisioner: example.org/p\nparameters: {a: b}\n", map[string]bool{
			`provisioner: example.org/q`: true, `parameters: {a: c}`: true, `parameters: {c: d}`: true, `reclaimPolicy: Retain`: true, `reclaimPolicy: Delete`: false,
			`volumeBindingMode: WaitForFirstConsumer`: true, `allowVolumeExpansion: true`: false,
		}},
		{"PriorityClass", "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high}\nvalue: 10\n", map[string]bool{
			`value: 11`: true, `preemptionPolicy: Never`: true, `description: more`: false,
		}},
		{"RuntimeClass", "apiVersion: node.k8s.io/v1\nkind: RuntimeClass\nmetadata: {name: r}\nhandler: a\n", map[string]bool{`handler: b`: true}},
		{"IngressClass", "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: i}\nspec: {controller: example.org/a}\n", map[string]bool{`spec: {controller: example.org/b}`: true}},
		{"CustomResourceDefinition", `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.org}
spec:
  group: example.org
  scope: Namespaced
  names: {plural: things, kind: Thing, singular: thing}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`, map[string]bool{
			`spec: {scope: Cluster}`:           true,
			`spec: {group: other.org}`:         true,
			`spec: {names: {shortNames: [t]}}`: false,
			`spec: {versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}, {name: v2, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}]}`: false,
			`spec: {versions: [{name: v1, served: true, storage: false, schema: {openAPIV3Schema: {type: object}}}, {name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}`: false,
			`spec: {versions: [{name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]}`:                                                                                      true,
		}},
	}
}
