import Documents
import Foundation

/// Refuses a file that could not be written, before any work.
func checkWritable(_ path: String) throws {
    let folder = path.contains("/") ? URL(fileURLWithPath: path).deletingLastPathComponent().path : "."
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder), isFolder.boolValue else {
        throw InputError(
            file: path, "cannot be written: there is no folder \(folder)", hint: "make the folder, or name another file")
    }
    guard !FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) || !isFolder.boolValue else {
        throw InputError(file: path, "cannot be written: it is a folder", hint: "name a file in it")
    }
}
