using Watari.Containers.Archives;
using Watari.GrainInterfaces.Model;

namespace Watari.Silo.Engine.Files;

/// <summary>Archives that somebody reads piece by piece: how far each is. One that nobody asks for any more is forgotten.</summary>
internal sealed class OpenArchives(TimeProvider time)
{
    private const int MostArchives = 64;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, OpenArchive> _archives = [];

    /// <summary>The archive, for one piece.</summary>
    /// <exception cref="EngineException">The pieces before are not known here, or this one was given already.</exception>
    public OpenArchive Take(Guid id, int piece, ReadOnlyMemory<byte> path)
    {
        lock (_gate)
        {
            foreach ((Guid old, OpenArchive idle) in _archives)
            {
                if (!idle.IsTaken && time.GetElapsedTime(idle.LastTaken) > s_patience) _archives.Remove(old);
            }

            if (!_archives.TryGetValue(id, out OpenArchive? archive))
            {
                if (piece != 0) throw new EngineException(FailureKind.Interrupted, "The host has forgotten how far the copy was: begin it anew.");
                if (_archives.Count == MostArchives) throw new EngineException(FailureKind.Refused, $"The host makes {MostArchives} archives already: wait until one is done.");
                _archives[id] = archive = new OpenArchive(new TreeArchive(path.ToArray(), NameOf(path.Span)), () => Forget(id));
            }

            if (archive.IsTaken || archive.Pieces != piece) throw new EngineException(FailureKind.Refused, $"Piece {piece} of the archive was asked for where {archive.Pieces} is the next.");
            archive.IsTaken = true;
            archive.LastTaken = time.GetTimestamp();
            return archive;
        }
    }

    /// <summary>What a path leads to is called as its last name; the root, a dot.</summary>
    private static byte[] NameOf(ReadOnlySpan<byte> path)
    {
        path = path.TrimEnd((byte)'/');
        ReadOnlySpan<byte> name = path[(path.LastIndexOf((byte)'/') + 1)..];
        return name.IsEmpty || name.SequenceEqual(".."u8) ? "."u8.ToArray() : name.ToArray();
    }

    private void Forget(Guid id)
    {
        lock (_gate) _archives.Remove(id);
    }
}

/// <summary>An archive that is being read; disposed after each piece, and forgotten where that failed: it cannot go on.</summary>
internal sealed class OpenArchive(TreeArchive archive, Action forget) : IDisposable
{
    private bool _goesOn;

    public TreeArchive Archive => archive;

    /// <summary>Given, up to now.</summary>
    public int Pieces { get; private set; }

    public bool IsTaken { get; set; }

    /// <summary>A timestamp of the host's clock.</summary>
    public long LastTaken { get; set; }

    /// <summary>The piece was made.</summary>
    public void Give(bool isLast)
    {
        Pieces++;
        _goesOn = !isLast;
    }

    public void Dispose()
    {
        if (!_goesOn) forget();
        _goesOn = false;
        IsTaken = false;
    }
}
