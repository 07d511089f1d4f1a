import Foundation

/// The disk under a file is full, read-only or failing. Nothing that the user gave is at fault: the command line ends with
/// exit code 1, and the same command goes on once there is space.
package struct StorageFailure: Error, Sendable, Equatable, CustomStringConvertible {
    package var file: String
    package var reason: String

    package init(file: String, _ reason: String) {
        self.file = file
        self.reason = reason
    }

    /// One line, with the space that is left where the file is.
    package var description: String {
        let space = Self.freeBytes(file).map { "; \($0.free) of \($0.total) bytes are free there" } ?? ""
        return onOneLine("\(file): \(reason)\(space)")
    }

    /// The space of the file system that holds a path, or its nearest folder that exists.
    private static func freeBytes(_ path: String) -> (free: Int, total: Int)? {
        var place = path
        var status = statvfs()
        while statvfs(place, &status) != 0 {
            guard let slash = place.lastIndex(of: "/"), place != "/" else { return nil }
            place = slash == place.startIndex ? "/" : String(place[..<slash])
        }
        let block = Int(status.f_frsize)
        return (Int(status.f_bavail) * block, Int(status.f_blocks) * block)
    }
}

/// What a failed call on a file means: a `StorageFailure`, or an `InputError` where the place itself is wrong (no such folder,
/// no permission).
/// - Parameter code: the `errno` of the call.
package func fileFailure(_ path: String, _ what: String, code: Int32) -> any Error {
    let reason = "\(what): \(String(cString: strerror(code)))"
    switch code {
    case ENOENT, ENOTDIR, EISDIR, EACCES, EPERM, ENAMETOOLONG, ELOOP, EINVAL, EEXIST, ETXTBSY:
        return InputError(file: path, reason, hint: "check the folder and its permissions, or name another place")
    default: return StorageFailure(file: path, reason)
    }
}

/// What a failure of Foundation's to write a file or a folder means.
package func fileFailure(_ path: String, _ what: String, _ error: any Error) -> any Error {
    var code = EACCES
    let outer = error as NSError
    for error in [outer, outer.userInfo[NSUnderlyingErrorKey] as? NSError].compactMap({ $0 }) {
        if error.domain == NSPOSIXErrorDomain { code = Int32(error.code) }
        guard error.domain == NSCocoaErrorDomain else { continue }
        switch CocoaError.Code(rawValue: error.code) {
        case .fileWriteOutOfSpace: code = ENOSPC
        case .fileWriteVolumeReadOnly: code = EROFS
        case .fileWriteFileExists: code = EEXIST
        default: break
        }
    }
    return fileFailure(path, what, code: code)
}
