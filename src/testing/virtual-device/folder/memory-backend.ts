import {
  errnoError,
  type FolderBackend,
  type NodeInfo,
  type NodePath,
  type OpenFile,
  type VolumeSpace,
} from './backend.js';

interface Times {
  modified: Date;
  readonly created: Date;
}
interface FileNode extends Times {
  readonly kind: 'file';
  readonly id: string;
  /** The content in a buffer that may be longer. */
  buffer: Uint8Array;
  size: number;
  links: number;
}
interface DirectoryNode extends Times {
  readonly kind: 'directory';
  readonly children: Map<string, Node>;
}
interface LinkNode extends Times {
  readonly kind: 'symlink';
  readonly target: string;
}
type Node = FileNode | DirectoryNode | LinkNode;

/** A folder in memory with room for `capacity` bytes. `now` gives the times of what is created and changed. */
export function memoryBackend({ capacity, now }: { capacity: number; now: () => Date }): FolderBackend {
  return new MemoryBackend(capacity, now);
}

class MemoryBackend implements FolderBackend {
  readonly #capacity: number;
  readonly #now: () => Date;
  readonly #root: DirectoryNode;
  #used = 0;
  #nextId = 1;

  constructor(capacity: number, now: () => Date) {
    this.#capacity = capacity;
    this.#now = now;
    this.#root = { kind: 'directory', children: new Map(), ...this.#times() };
  }

  async stat(path: NodePath): Promise<NodeInfo | undefined> {
    const node = this.#find(path);
    if (node === undefined) return undefined;
    const { kind, modified, created } = node;
    if (kind === 'file') return { kind, size: node.size, links: node.links, modified, created };
    if (kind === 'symlink') return { kind, size: node.target.length, links: 1, modified, created };
    return { kind, size: 0, links: 2 + node.children.size, modified, created };
  }

  async readLink(path: NodePath): Promise<string> {
    const node = this.#get(path);
    if (node.kind !== 'symlink') throw errnoError('EINVAL', path);
    return node.target;
  }

  async list(path: NodePath): Promise<string[]> {
    return [...this.#directory(path).children.keys()].sort();
  }

  async makeDirectory(path: NodePath): Promise<void> {
    this.#add(path, { kind: 'directory', children: new Map(), ...this.#times() });
  }

  async remove(path: NodePath): Promise<void> {
    const node = this.#get(path);
    if (node.kind === 'directory' && node.children.size > 0) throw errnoError('ENOTEMPTY', path);
    this.#unlink(path, node);
  }

  async rename(from: NodePath, to: NodePath): Promise<void> {
    const node = this.#get(from);
    const replaced = this.#find(to);
    if (replaced === node) return;
    if (to.length > from.length && from.every((name, i) => name === to[i])) throw errnoError('EINVAL', to);
    if (replaced !== undefined) {
      if (replaced.kind === 'directory' && node.kind !== 'directory') throw errnoError('EISDIR', to);
      if (replaced.kind !== 'directory' && node.kind === 'directory') throw errnoError('ENOTDIR', to);
      await this.remove(to);
    }
    this.#add(to, node);
    this.#parent(from).children.delete(nameOf(from));
  }

  async symlink(target: string, path: NodePath): Promise<void> {
    this.#add(path, { kind: 'symlink', target, ...this.#times() });
  }

  async hardLink(existing: NodePath, path: NodePath): Promise<void> {
    const node = this.#get(existing);
    if (node.kind !== 'file') throw errnoError('EPERM', existing);
    this.#add(path, node);
    node.links += 1;
  }

  async open(path: NodePath, options: { create: boolean; truncate: boolean }): Promise<OpenFile> {
    let node = this.#find(path);
    if (node === undefined && options.create) {
      const id = String(this.#nextId++);
      node = { kind: 'file', id, buffer: new Uint8Array(), size: 0, links: 1, ...this.#times() };
      this.#add(path, node);
    }
    if (node === undefined) throw errnoError('ENOENT', path);
    if (node.kind !== 'file') throw errnoError('EISDIR', path);
    if (options.truncate) this.#resize(node, 0);
    return this.#handle(node);
  }

  async setModified(path: NodePath, modified: Date): Promise<void> {
    this.#get(path).modified = modified;
  }

  async space(): Promise<VolumeSpace> {
    return { total: this.#capacity, free: this.#capacity - this.#used };
  }

  #handle(file: FileNode): OpenFile {
    return {
      id: file.id,
      size: async () => file.size,
      read: async (offset, length) => file.buffer.slice(offset, Math.min(offset + length, file.size)),
      write: async (offset, bytes) => {
        if (bytes.length === 0) return;
        if (offset + bytes.length > file.size) this.#resize(file, offset + bytes.length);
        file.buffer.set(bytes, offset);
        file.modified = this.#now();
      },
      truncate: async (size) => {
        this.#resize(file, size);
      },
      close: () => Promise.resolve(),
    };
  }

  #resize(file: FileNode, size: number): void {
    if (this.#used - file.size + size > this.#capacity) throw errnoError('ENOSPC', file.id);
    if (size > file.buffer.length) {
      const buffer = new Uint8Array(Math.max(size, Math.min(2 * file.buffer.length, this.#capacity)));
      buffer.set(file.buffer.subarray(0, file.size));
      file.buffer = buffer;
    } else if (size < file.size) {
      // What lies beyond the end must read as zeros when the file grows again.
      file.buffer = file.buffer.slice(0, size);
    }
    this.#used += size - file.size;
    file.size = size;
    file.modified = this.#now();
  }

  #unlink(path: NodePath, node: Node): void {
    const parent = this.#parent(path);
    parent.children.delete(nameOf(path));
    parent.modified = this.#now();
    if (node.kind !== 'file') return;
    node.links -= 1;
    if (node.links === 0) this.#used -= node.size;
  }

  #add(path: NodePath, node: Node): void {
    const parent = this.#parent(path);
    if (parent.children.has(nameOf(path))) throw errnoError('EEXIST', path);
    parent.children.set(nameOf(path), node);
    parent.modified = this.#now();
  }

  #find(path: NodePath): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of path) {
      if (node?.kind !== 'directory') return undefined;
      node = node.children.get(name);
    }
    return node;
  }

  #get(path: NodePath): Node {
    const node = this.#find(path);
    if (node === undefined) throw errnoError('ENOENT', path);
    return node;
  }

  #directory(path: NodePath): DirectoryNode {
    const node = this.#get(path);
    if (node.kind !== 'directory') throw errnoError('ENOTDIR', path);
    return node;
  }

  #parent(path: NodePath): DirectoryNode {
    if (path.length === 0) throw errnoError('EBUSY', path);
    return this.#directory(path.slice(0, -1));
  }

  #times(): Times {
    const now = this.#now();
    return { modified: now, created: now };
  }
}

function nameOf(path: NodePath): string {
  return path.at(-1) ?? '';
}
