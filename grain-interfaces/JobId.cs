using System.Security.Cryptography;

namespace Watari.GrainInterfaces;

/// <summary>Ids of jobs: eight digits and letters that cannot be mistaken for each other, e.g. <c>k7m2q4xw</c>.</summary>
public static class JobId
{
    private const string Alphabet = "23456789abcdefghjkmnpqrstuvwxyz";

    public static string New() => RandomNumberGenerator.GetString(Alphabet, 8);
}
