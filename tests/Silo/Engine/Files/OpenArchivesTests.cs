using Watari.GrainInterfaces.Model;
using Watari.Silo.Engine.Files;

namespace Watari.Silo.Tests.Engine.Files;

public sealed class OpenArchivesTests
{
    private readonly OpenArchives _archives = new(TimeProvider.System);

    [Fact]
    public void An_archive_whose_piece_failed_takes_nobodys_place()
    {
        for (int i = 0; i < 100; i++) _archives.Take(Guid.NewGuid(), 0, default).Dispose();

        var id = Guid.NewGuid();
        _archives.Take(id, 0, default).Dispose();
        Assert.Equal(FailureKind.Interrupted, Assert.Throws<EngineException>(() => _archives.Take(id, 1, default)).Kind);
        _archives.Take(id, 0, default).Dispose(); // anew
    }

    [Fact]
    public void Pieces_follow_one_another_and_after_the_last_it_is_forgotten()
    {
        var id = Guid.NewGuid();
        for (int piece = 0; piece < 3; piece++)
        {
            using OpenArchive open = _archives.Take(id, piece, default);
            Assert.Equal(FailureKind.Refused, Assert.Throws<EngineException>(() => _archives.Take(id, piece, default)).Kind);
            open.Give(isLast: piece == 2);
        }

        Assert.Equal(FailureKind.Interrupted, Assert.Throws<EngineException>(() => _archives.Take(id, 3, default)).Kind);
    }
}
