import Imaging
import RandomStreams

enum Pictures {
    /// Saves a dead-leaves picture that no training has seen, and returns its path.
    static func save(_ path: String) throws -> String {
        try DeadLeaves(size: 96, channels: 1).image(RandomStream(seed: 987)).save(path, bits: 8)
        return path
    }
}
