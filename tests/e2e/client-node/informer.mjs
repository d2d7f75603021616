// An informer on the ConfigMaps of a namespace: prints each event as a line of JSON. It goes on when the server goes away.
//   node informer.mjs KUBECONFIG NAMESPACE
import * as k8s from '@kubernetes/client-node';

const [config, namespace] = process.argv.slice(2);
const kubeconfig = new k8s.KubeConfig();
kubeconfig.loadFromFile(config);
const core = kubeconfig.makeApiClient(k8s.CoreV1Api);

const informer = k8s.makeInformer(kubeconfig, `/api/v1/namespaces/${namespace}/configmaps`, () =>
    core.listNamespacedConfigMap({ namespace }),
);

function tell(type, object) {
    const { name, resourceVersion } = object.metadata;
    console.log(JSON.stringify({ type, name, version: resourceVersion }));
}

informer.on('add', (object) => tell('ADDED', object));
informer.on('update', (object) => tell('MODIFIED', object));
informer.on('delete', (object) => tell('DELETED', object));
// As the documentation of the informer shows it: the informer is started again, and resumes where it was.
informer.on('error', () => setTimeout(() => informer.start(), 100));
informer.start();
