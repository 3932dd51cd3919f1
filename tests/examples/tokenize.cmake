# tokenize as a user runs it: lines in, lines out, and bad input that ends in one clear line.
#   cmake -DPROGRAM=... -DGOLDEN=... -DWORK=... -P tokenize.cmake
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})

# ---- success: what a tokenizer of every letter makes of some lines ---------------------------------------------
file(WRITE ${WORK}/in "ab\n\nb\r\na ab")
file(WRITE ${WORK}/tokenizer.json [[{"added_tokens":[],"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2," ":3,"\r":4},
  "merges":["a b"]}}]])
function(says tokenizer expected)
  execute_process(COMMAND ${PROGRAM} --tokenizer ${tokenizer} ${ARGN} INPUT_FILE ${WORK}/in RESULT_VARIABLE status
                  OUTPUT_VARIABLE said ERROR_VARIABLE complained)
  if(NOT status EQUAL 0 OR complained OR NOT said STREQUAL expected)
    message(FATAL_ERROR "${ARGN}: status ${status}, standard error: ${complained}\n${said}instead of\n${expected}")
  endif()
endfunction()
says(${WORK}/tokenizer.json "2\n\n1 4\n0 3 2\n")
says(${WORK} "2\n\n1 4\n0 3 2\n")
says(${WORK} "[2]\n[]\n[1,4]\n[0,3,2]\n" --json)
says(${WORK} "2:0-2\n\n1:0-1 4:1-2\n0:0-1 3:1-2 2:2-4\n" --offsets)
says(${WORK} "[[2,0,2]]\n[]\n[[1,0,1],[4,1,2]]\n[[0,0,1],[3,1,2],[2,2,4]]\n" --offsets --json)

# Every kind of file, on a text of many lines, has as many lines to say.
file(READ ${GOLDEN}/tokenizers/texts.json lines)
string(REPLACE "\",\"" "\n" lines "${lines}")
file(WRITE ${WORK}/in "${lines}")
string(REGEX MATCHALL "\n" newlines "${lines}")
list(LENGTH newlines count)
foreach(file tokenizers/bert.json tokenizers/unigram.json gguf/gpt2.gguf gguf/spm_bpe.gguf)
  execute_process(COMMAND ${PROGRAM} --tokenizer ${GOLDEN}/${file} INPUT_FILE ${WORK}/in RESULT_VARIABLE status
                  OUTPUT_VARIABLE said ERROR_VARIABLE complained)
  string(REGEX MATCHALL "\n" answers "${said}")
  list(LENGTH answers answered)
  if(NOT status EQUAL 0 OR complained OR NOT answered EQUAL count OR NOT said MATCHES "^[0-9 \n]+$")
    message(FATAL_ERROR "${file}: status ${status}, ${answered} of ${count} lines, standard error: ${complained}")
  endif()
endforeach()

# ---- failure: one line, and the status says whose fault it is ------------------------------------------------
include(${CMAKE_CURRENT_LIST_DIR}/must_fail.cmake)
set(MUST_FAIL_INPUT ${WORK}/in)
file(WRITE ${WORK}/cut.json "{\"model\":{\"type\":\"BPE\",")
file(WRITE ${WORK}/other.json "{\"model\":{\"type\":\"Other\",\"vocab\":{}}}")
set(MUST_FAIL_STATUS 1)
must_fail("no file" "cannot be opened" --tokenizer ${WORK}/nothing)
must_fail("a file that ends early" "cut.json.* is not valid JSON" --tokenizer ${WORK}/cut.json)
must_fail("another kind of model" "model.type Other is not supported" --tokenizer ${WORK}/other.json)
must_fail("offsets of SentencePiece" "offsets of a SentencePiece model" --tokenizer ${GOLDEN}/gguf/spm_bpe.gguf --offsets)
set(MUST_FAIL_STATUS 2)
must_fail("no tokenizer" "--tokenizer is required")
must_fail("an unknown option" "not expected|extra" --tokenizer ${WORK} --surprise)
