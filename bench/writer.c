/* Make small files as fast as one process can.

   writer ROOT DIRECTORIES FILES BYTES TELL REMOVE

   File i is ROOT/d<i % DIRECTORIES>/f<i>.png with BYTES bytes. Every TELL files a line says how
   many there are and when that was (CLOCK_MONOTONIC), also at the start and at the end. With
   REMOVE > 0, every tenth file is removed again when REMOVE more were made. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void tell(long count) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  printf("%ld %ld.%09ld\n", count, (long)now.tv_sec, now.tv_nsec);
  fflush(stdout);
}

static char *path_of(char *path, const char *root, long directories, long i) {
  sprintf(path, "%s/d%05ld/f%07ld.png", root, i % directories, i);
  return path;
}

int main(int count, char **words) {
  if (count != 7) return 2;
  const char *root = words[1];
  long directories = atol(words[2]), files = atol(words[3]), bytes = atol(words[4]);
  long every = atol(words[5]), lag = atol(words[6]);
  char *content = calloc(1, bytes + 1), *path = malloc(strlen(root) + 64);
  tell(0);
  for (long i = 0; i < files; i++) {
    int file = open(path_of(path, root, directories, i), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (file < 0 || write(file, content, bytes) != bytes || close(file) != 0) {
      perror(path);
      return 1;
    }
    if (lag > 0 && i >= lag && i % 10 == 0) unlink(path_of(path, root, directories, i - lag));
    if ((i + 1) % every == 0 && i + 1 < files) tell(i + 1);
  }
  tell(files);
  return 0;
}
