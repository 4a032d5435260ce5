/**
 * What the Engine API and `drydock inspect` say of one thing: Docker's JSON, member by member (Engine API 1.47, ContainerInspect, ImageInspect).
 *
 *     container.ts   a container;  host-config.ts: what of it concerns the host
 *     image.ts       an image
 *     config.ts      how programs of either are started
 */
export { type ContainerView, containerDocument, type Endpoint, type LifeView, listNetworks, listPorts } from './container.js'
export { mountsDocument as listMounts } from './host-config.js'
export { imageDocument } from './image.js'
