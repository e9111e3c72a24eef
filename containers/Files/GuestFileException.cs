using Watari.Disk;

namespace Watari.Containers.Files;

/// <summary>A file cannot be read out of a guest's memory: the guest changes it too fast, has swapped it out, or its memory is damaged.</summary>
public sealed class GuestFileException(string message, Exception? inner = null) : DiskException(message, inner);
