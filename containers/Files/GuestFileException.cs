using Watari.Disk;

namespace Watari.Containers.Files;

/// <summary>
/// A file of a running guest cannot be read: the guest changes it too fast in its memory, has swapped it out, its memory is damaged; or it is in
/// no place that is read.
/// </summary>
public sealed class GuestFileException(string message, Exception? inner = null) : DiskException(message, inner);
