using Watari.GrainInterfaces.Model;
using Watari.GuestAgent.Protocol;
using Watari.Silo.Engine.Checkpoints;

namespace Watari.Silo.Engine.Migration.Volumes;

/// <summary>A list of changes (<see cref="VolumeChangesWriter"/>) in a file of this host that has no name, which takes no more room than there is.</summary>
internal static class ChangesFile
{
    /// <summary>Bytes that are free where such files are made.</summary>
    /// <param name="place">What one is called for a moment.</param>
    public static long RoomAt(string place) => new DriveInfo(Path.GetDirectoryName(place)!).AvailableFreeSpace;

    /// <param name="place">What it is called for a moment.</param>
    /// <param name="write">Writes the changes.</param>
    /// <param name="whose">Whose files they are, for an error.</param>
    /// <returns>The file, and bytes of files' contents in it: whoever sends it disposes it.</returns>
    /// <exception cref="EngineException"><see cref="FailureKind.SaveFailed"/>: this host has no room for it.</exception>
    public static (MappedFile File, long ContentBytes) Write(string place, Action<VolumeChangesWriter> write, string whose)
    {
        FileStream? file = null;
        try
        {
            file = ArchiveParts.CreateUnnamed(place);
            long room = RoomAt(place);
            var changes = new VolumeChangesWriter(new PartStream(file, Take));
            write(changes);
            changes.End();
            return (MappedFile.Of(file), changes.ContentBytes);

            void Take(long bytes)
            {
                room -= bytes;
                if (room < 0) throw new IOException($"{whose} take more room than there is; make room, or set TMPDIR to where there is more");
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            file?.Dispose();
            throw new EngineException(FailureKind.SaveFailed, $"{char.ToUpperInvariant(whose[0])}{whose[1..]} could not be written to '{Path.GetDirectoryName(place)}' of this host: {e.Message.TrimEnd('.')}.", e);
        }
        catch
        {
            file?.Dispose();
            throw;
        }
    }
}
