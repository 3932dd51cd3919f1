# pivot_data as a user runs it: rows to the byte, losses counted, outputs read back, and bad input in one clear line.
#   cmake -DPROGRAM=... -DMODELS=... -DQUADS=... -DWORK=... -P pivot_data.cmake
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})

function(must_run what)
  execute_process(COMMAND ${PROGRAM} ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE complained)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what}: status ${status}\n${said}${complained}")
  endif()
  set(said "${said}" PARENT_SCOPE)
  set(complained "${complained}" PARENT_SCOPE)
endfunction()
function(must_be what found expected)
  if(NOT found STREQUAL expected)
    message(FATAL_ERROR "${what} is\n${found}\ninstead of\n${expected}")
  endif()
endfunction()
# A number of a report: counted(<file> <place> in | out | lost <reason> | <note>)
function(counted expected file index)
  file(READ ${WORK}/${file} json)
  string(JSON value ERROR_VARIABLE error GET "${json}" accounts ${index} ${ARGN})
  must_be("${ARGN} of ${file}" "${value}" "${expected}")
endfunction()
# in = out + lost in every account of a report.
function(balanced file)
  file(READ ${WORK}/${file} json)
  string(JSON count LENGTH "${json}" accounts)
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON in GET "${json}" accounts ${i} in)
    string(JSON sum GET "${json}" accounts ${i} out)
    string(JSON reasons LENGTH "${json}" accounts ${i} lost)
    foreach(r RANGE 1 ${reasons})
      if(reasons GREATER 0)
        math(EXPR at "${r} - 1")
        string(JSON name MEMBER "${json}" accounts ${i} lost ${at})
        string(JSON n GET "${json}" accounts ${i} lost ${name})
        math(EXPR sum "${sum} + ${n}")
      endif()
    endforeach()
    must_be("the sum of account ${i} of ${file}" "${sum}" "${in}")
  endforeach()
endfunction()
# The value at a path in row `number` (from 0) of a file of JSON lines.
function(row_value out file number)
  file(STRINGS ${WORK}/${file} lines ENCODING UTF-8)
  list(GET lines ${number} line)
  string(JSON value GET "${line}" ${ARGN})
  set(${out} "${value}" PARENT_SCOPE)
endfunction()

# ---- without arguments: every method ---------------------------------------------------------------------------
must_run("the show")
foreach(method plug pivot_only mono code_switch aux_translation taco crossin)
  if(NOT said MATCHES "==== ${method} " OR complained)
    message(FATAL_ERROR "the show lacks ${method}:\n${said}${complained}")
  endif()
endforeach()

# ---- build: a row to the byte ----------------------------------------------------------------------------------
file(WRITE ${WORK}/rainbow.jsonl [[{"id":"b1","x_p":" Explain a rainbow in one sentence.\n","y_p":"Sunlight bends and splits inside raindrops.","x_t":"用一句话解释彩虹。","y_t":"阳光在雨滴中折射并散开成七色。"}
]])
must_run("build" build --in ${WORK}/rainbow.jsonl --target zh --out ${WORK}/rows.jsonl --json ${WORK}/rows.json
         --system "Think in {pivot}, answer in {target}.")
row_value(text rows.jsonl 1 text)
must_be("the text of a row" "${text}" "<|system|>
Think in English, answer in Chinese.
<|user|>
用一句话解释彩虹。
<|assistant|>
English instruction:
Explain a rainbow in one sentence.

English response:
Sunlight bends and splits inside raindrops.

中文回复：
阳光在雨滴中折射并散开成七色。</s>")
row_value(trained rows.jsonl 1 trained)
string(REGEX REPLACE "[ \n]" "" trained "${trained}")
must_be("what is trained" "${trained}" "[[99,284]]")
must_run("build" build --in ${WORK}/rainbow.jsonl --target zh --trained content --out ${WORK}/rows.jsonl
         --system "Think in {pivot}, answer in {target}.")
row_value(trained rows.jsonl 1 trained)
string(REGEX REPLACE "[ \n]" "" trained "${trained}")
must_be("what is trained of the contents" "${trained}" "[[120,154],[174,217],[235,280]]")
must_run("prompts" build --in ${WORK}/rainbow.jsonl --target zh --prompts --out ${WORK}/prompts.jsonl)
row_value(text prompts.jsonl 1 text)
must_be("a prompt" "${text}" "<|user|>\n用一句话解释彩虹。\n<|assistant|>\n")
foreach(method pivot_only,1 mono,2 code_switch,4 aux_translation,4 plug,2 taco,1 crossin,3)
  string(REGEX MATCH "(.*),(.*)" _ ${method})
  set(expected ${CMAKE_MATCH_2})
  must_run("${method}" build --method ${CMAKE_MATCH_1} --in ${WORK}/rainbow.jsonl --target zh --out ${WORK}/m.jsonl
           --json ${WORK}/m.json)
  counted(${expected} m.json 1 out)
endforeach()

# ---- tokens: labels are ids or -100, and the end is trained ----------------------------------------------------
foreach(mask isolated joint)
  must_run("tokens" build --in ${QUADS} --target sw --out ${WORK}/t.jsonl --tokenizer ${MODELS}/main/tokenizer.json
           --end "<|endoftext|>" --max-tokens 300 --mask ${mask} --json ${WORK}/t.json)
  balanced(t.json)
  counted(8 t.json 0 lost other_language)
  counted(8 t.json 1 out)
  file(STRINGS ${WORK}/t.jsonl lines ENCODING UTF-8)
  foreach(line IN LISTS lines)
    string(JSON n LENGTH "${line}" ids)
    string(JSON labels LENGTH "${line}" labels)
    math(EXPR last "${n} - 1")
    string(JSON first GET "${line}" labels 0)
    string(JSON end GET "${line}" labels ${last})
    if(NOT n EQUAL labels OR n GREATER 300 OR NOT first EQUAL -100 OR NOT end EQUAL 0)
      message(FATAL_ERROR "${mask}: ${n} ids, ${labels} labels from ${first} to ${end}")
    endif()
  endforeach()
endforeach()
must_run("a small budget" build --in ${QUADS} --target sw --out ${WORK}/t.jsonl --tokenizer ${MODELS}/main
         --end "<|endoftext|>" --max-tokens 100 --cut sections --json ${WORK}/t.json)
balanced(t.json)
file(READ ${WORK}/t.json json)
string(JSON over GET "${json}" accounts 1 lost over_budget)
if(NOT over GREATER 0)
  message(FATAL_ERROR "nothing was over a budget of 100 tokens")
endif()

# ---- what is lost is counted, and the rest goes on -------------------------------------------------------------
file(WRITE ${WORK}/bad.jsonl [[{"id":1,"x_p":"a","y_p":"b","x_t":"c","y_t":"d"}
{"id":2,"x_p":
{"id":3,"x_p":"a","y_p":"b","x_t":"c"}
{"id":4,"x_p":"a","y_p":["b"],"x_t":"c","y_t":"d"}

{"id":5,"x_p":"a","y_p":" ","x_t":"c","y_t":"d"}
{"id":6,"x_p":"a\n\nJibu kwa Kiswahili: x","y_p":"b","x_t":"c","y_t":"d"}
{"id":7,"x_p":"a","y_p":"b","x_t":"c","y_t":"d"}]])
must_run("bad rows" build --in ${WORK}/bad.jsonl --target sw --out ${WORK}/good.jsonl --json ${WORK}/bad.json)
balanced(bad.json)
counted(1 bad.json 0 lost bad_row)
counted(1 bad.json 0 lost missing_field)
counted(1 bad.json 0 lost wrong_type)
counted(4 bad.json 0 out)
counted(2 bad.json 1 lost incomplete)
counted(1 bad.json 1 lost collision)
counted(5 bad.json 1 out)
foreach(line 2 3 4)
  if(NOT complained MATCHES "bad.jsonl: [^\n]*line ${line}[^0-9]")
    message(FATAL_ERROR "line ${line} was not named:\n${complained}")
  endif()
endforeach()
must_run("escaping" build --in ${WORK}/bad.jsonl --target sw --on-collision escape --out ${WORK}/e.jsonl --json ${WORK}/e.json)
counted(6 e.json 1 out)
must_run("leaving out" build --in ${WORK}/bad.jsonl --target sw --on-collision drop --out ${WORK}/e.jsonl --json ${WORK}/e.json)
counted(6 e.json 1 out)

# ---- two halves, joined by id --------------------------------------------------------------------------------
file(WRITE ${WORK}/p.jsonl "{\"id\":\"a\",\"x\":\"A\",\"y\":\"1,000\"}\n{\"id\":\"b\",\"x\":\"B\",\"y\":\"2\"}\n{\"id\":\"b\",\"x\":\"B\",\"y\":\"2\"}\n{\"id\":\"c\",\"x\":\"C\",\"y\":\"yes\"}\n")
file(WRITE ${WORK}/t.jsonl "{\"id\":\"b\",\"x\":\"β\",\"y\":\"3\"}\n{\"id\":\"a\",\"x\":\"α\",\"y\":\"1.000\"}\n{\"id\":\"d\",\"x\":\"δ\",\"y\":\"4\"}\n{\"id\":\"d\",\"x\":\"δ\",\"y\":\"4\"}\n")
must_run("halves" build --pivot-in ${WORK}/p.jsonl --target-in ${WORK}/t.jsonl --target el --out ${WORK}/h.jsonl --json ${WORK}/h.json)
balanced(h.json)
counted(1 h.json 0 out)
counted(1 h.json 0 lost missing_pivot)
counted(1 h.json 0 lost missing_target)
counted(2 h.json 0 lost duplicate_id)
counted(1 h.json 0 lost answer_mismatch)
file(WRITE ${WORK}/mgsm_en.tsv "How many?\t18\nWhich?\t5\nno answer here\n")
file(WRITE ${WORK}/mgsm_sw.tsv "Ngapi?\t18\nIpi?\t6\nHakuna\t1\n")
must_run("MGSM" build --in ${WORK}/mgsm_en.tsv --target-in ${WORK}/mgsm_sw.tsv --target sw --out ${WORK}/h.jsonl --json ${WORK}/h.json)
balanced(h.json)
counted(1 h.json 0 out)
counted(1 h.json 0 lost bad_row)
file(WRITE ${WORK}/mgsm_thousands.tsv "Many?\t2,125\n")
must_run("MGSM's notation" build --in ${WORK}/mgsm_thousands.tsv --target-in ${WORK}/mgsm_thousands.tsv --target ru --method mono --out ${WORK}/h.jsonl)
row_value(text h.jsonl 1 text)
must_be("an MGSM row of a language that writes 2 125" "${text}" "<|user|>\nMany?\n<|assistant|>\n2125</s>")
file(WRITE ${WORK}/msvamp.json "{\"query\": \"How many?\", \"response\": \"8.0\", \"m_query\": \"Ngapi?\"}\n")
must_run("MSVAMP" build --in ${WORK}/msvamp.json --target sw --method mono --out ${WORK}/h.jsonl)
row_value(text h.jsonl 1 text)
must_be("an MSVAMP row" "${text}" "<|user|>\nNgapi?\n<|assistant|>\n8</s>")
foreach(language en el)
  file(WRITE ${WORK}/xquad.${language}.json "{\"data\": [{\"paragraphs\": [{\"context\": \"${language} has 3.\", \"qas\": [{\"id\": \"q\", \"question\": \"How many?\", \"answers\": [{\"answer_start\": 7, \"text\": \"3\"}]}]}]}]}")
endforeach()
must_run("XQuAD" build --in ${WORK}/xquad.en.json --target-in ${WORK}/xquad.el.json --target el --method mono --out ${WORK}/h.jsonl)
row_value(text h.jsonl 1 text)
must_be("an XQuAD row" "${text}" "<|user|>\nel has 3.\n\nHow many?\n<|assistant|>\n3</s>")

# ---- styles: one with a system turn, one that folds it into the request -----------------------------------------
must_run("ChatML" build --in ${WORK}/rainbow.jsonl --target zh --method pivot_only --style chatml --pivot-system "Be brief." --out ${WORK}/s.jsonl)
row_value(text s.jsonl 0 text)
must_be("a ChatML row" "${text}" "<|im_start|>system
Be brief.<|im_end|>
<|im_start|>user
Explain a rainbow in one sentence.<|im_end|>
<|im_start|>assistant
Sunlight bends and splits inside raindrops.<|im_end|>\n")
must_run("Llama 2" build --in ${WORK}/rainbow.jsonl --target zh --method pivot_only --style llama2 --pivot-system "Be brief." --out ${WORK}/s.jsonl)
row_value(text s.jsonl 0 text)
must_be("a Llama 2 row" "${text}" "<s>[INST] <<SYS>>
Be brief.
<</SYS>>

Explain a rainbow in one sentence. [/INST] Sunlight bends and splits inside raindrops. </s>")

# ---- parse: what was built is read back; bytes one by one give the same ----------------------------------------
file(WRITE ${WORK}/outputs.jsonl [["English instruction:\nSay hi.\n\nEnglish response:\nHi.\n\n中文回复：\n你好。"
{"id":"P2","output":"English instruction:\nSay hi.\n\nEnglish response:\nHi.\n\n中文回复:\n你好。"}
{"id":"P5","output":"English instruction:\nSay hi.\n\nEnglish response:\nHi."}
{"id":"P6","output":"中文回复：\n你好。"}
{"id":"P8","output":"English instruction:\nSay hi.\n\nEnglish response:\nHi.\n\n中文回复：\n你好。\n\n中文回复：\n您好。"}
{"id":"P10","output":"English instruction:\nSay hi.\n\nEnglish response:\nHi.\n\n中文回复：\nHello there."}
{"id":"P11","output":"你好。"}
{"id":"P14","output":"English instruction:\nSay hi.\n\nEnglish response:\nHi.\n\n中文回"}
not json
{"id":"none"}
]])
foreach(level exact width nfc letter_case)
  foreach(way whole stream)
    set(stream)
    if(way STREQUAL stream)
      set(stream --stream)
    endif()
    must_run("parse" parse --target zh --level ${level} ${stream} --in ${WORK}/outputs.jsonl --out ${WORK}/${way}.jsonl --json ${WORK}/${way}.json)
    balanced(${way}.json)
  endforeach()
  foreach(kind jsonl json)
    file(READ ${WORK}/whole.${kind} whole)
    file(READ ${WORK}/stream.${kind} stream)
    must_be("streaming at ${level}" "${stream}" "${whole}")
  endforeach()
endforeach()
must_run("parse" parse --target zh --in ${WORK}/outputs.jsonl --out ${WORK}/parsed.jsonl --json ${WORK}/parsed.json)
set(expected ok ok missing_target monolingual duplicate_header wrong_script no_sections truncated)
foreach(row RANGE 7)
  list(GET expected ${row} code)
  row_value(found parsed.jsonl ${row} code)
  must_be("the code of output ${row}" "${found}" "${code}")
endforeach()
row_value(text parsed.jsonl 0 sections y_t)
must_be("the answer" "${text}" "你好。")
row_value(text parsed.jsonl 1 deviations y_t 0)
must_be("the deviation" "${text}" "width")
counted(1 parsed.json 0 lost bad_row)
counted(1 parsed.json 0 lost wrong_type)
counted(2 parsed.json 1 out)
file(WRITE ${WORK}/pairs.jsonl [[{"id":"t","output":"<QUE> q1 <ANS> a1 </END>\n\n<QUE> Q1 <ANS> a2 </END>\n\n<QUE> q3"}
]])
must_run("pairs" parse --style pairs --in ${WORK}/pairs.jsonl --out ${WORK}/parsed.jsonl --json ${WORK}/parsed.json)
row_value(text parsed.jsonl 0 pairs 0 answer)
must_be("the pair" "${text}" "a1")
counted(1 parsed.json 1 lost duplicate)
counted(1 parsed.json 1 lost truncated_tail)

# ---- synthesize: tuning sequences, rounds, pre-training texts ---------------------------------------------------
file(WRITE ${WORK}/texts.jsonl [[{"id":"t0","text":"Iron rusts in wet air.","pairs":[{"question":"What rusts?","answer":"Iron."},{"question":"Where?","answer":"In wet air."}]}
{"id":"t1","text":"Salt melts ice.","pairs":[{"question":"What melts ice?","answer":"Salt."}]}
{"id":"bad","text":"A <QUE> in it.","pairs":[{"question":"q","answer":"a"}]}
{"id":"bare","text":"No pairs here."}
{"id":"broken","text":"x","pairs":[{"question":"q"}]}
]])
must_run("tuning" synthesize --in ${WORK}/texts.jsonl --shots 2 --trained pairs --out ${WORK}/s.jsonl --json ${WORK}/s.json)
balanced(s.json)
counted(1 s.json 0 lost collision)
counted(1 s.json 0 lost no_pairs)
counted(1 s.json 0 lost wrong_type)
counted(1 s.json 1 out)
row_value(text s.jsonl 0 text)
must_be("a tuning sequence" "${text}" "<s> <CON> Iron rusts in wet air. </CON>

<QUE> What rusts? <ANS> Iron. </END>

<QUE> Where? <ANS> In wet air. </END></s><s> <CON> Salt melts ice. </CON>

<QUE> What melts ice? <ANS> Salt. </END></s>")
row_value(trained s.jsonl 0 trained)
string(REGEX REPLACE "[ \n]" "" trained "${trained}")
must_be("what is trained of it" "${trained}" "[[41,116],[154,194]]")

set(round_texts)
foreach(i 0 1 2 3)
  string(APPEND round_texts "{\"id\":\"T${i}\",\"text\":\"T${i}\"}\n")
endforeach()
file(WRITE ${WORK}/round.jsonl "${round_texts}")
file(WRITE ${WORK}/answers.jsonl "{\"id\":\"T0\",\"output\":\"<QUE> q0 <ANS> a0 </END>\"}\n{\"id\":\"T1\",\"output\":\"nothing\"}\n{\"id\":\"T9\",\"output\":\"x\"}\n")
must_run("round 0" synthesize --in ${WORK}/round.jsonl --rounds 2 --round 0 --out ${WORK}/s.jsonl)
row_value(text s.jsonl 1 text)
must_be("a first prompt" "${text}" "<s> <CON> T1 </CON>\n\n")
must_run("round 1" synthesize --in ${WORK}/round.jsonl --rounds 2 --round 1 --answers ${WORK}/answers.jsonl
         --out ${WORK}/s.jsonl --json ${WORK}/s.json)
balanced(s.json)
counted(1 s.json 1 lost unknown_id)
row_value(text s.jsonl 0 text)
must_be("a prompt that inherits" "${text}" "<s> <CON> T0 </CON>\n\n<QUE> q0 <ANS> a0 </END></s><s> <CON> T2 </CON>\n\n")
row_value(text s.jsonl 1 text)
must_be("a prompt that begins anew" "${text}" "<s> <CON> T3 </CON>\n\n")
must_run("a round without room" synthesize --in ${WORK}/round.jsonl --rounds 2 --round 1 --answers ${WORK}/answers.jsonl
         --out ${WORK}/s.jsonl --tokenizer ${MODELS}/main --max-tokens 40 --new-tokens 10)
row_value(text s.jsonl 0 text)
must_be("a prompt without room" "${text}" "<s> <CON> T2 </CON>\n\n")
must_run("collecting" synthesize --in ${WORK}/round.jsonl --answers ${WORK}/answers.jsonl --collect --out ${WORK}/s.jsonl)
row_value(text s.jsonl 0 pairs 0 answer)
must_be("a collected answer" "${text}" "a0")

set(many)
foreach(i RANGE 199)
  string(APPEND many "{\"id\":\"m${i}\",\"text\":\"Text ${i}.\",\"pairs\":[{\"question\":\"q${i}a\",\"answer\":\"a${i}a\"},{\"question\":\"q${i}b?\\nOptions:\\n- red\\n- blue\",\"answer\":\"red\"},{\"question\":\"q\\nLet's think step by step.\",\"answer\":\"no mark\"}]}\n")
endforeach()
file(WRITE ${WORK}/many.jsonl "${many}")
must_run("templify" synthesize --templify --in ${WORK}/many.jsonl --shots 2 --out ${WORK}/l.jsonl --json ${WORK}/l.json)
must_run("templify again" synthesize --templify --in ${WORK}/many.jsonl --shots 2 --out ${WORK}/l2.jsonl)
balanced(l.json)
counted(200 l.json 0 out)
counted(200 l.json 1 lost half_cot)
counted(100 l.json 2 out)
file(READ ${WORK}/l.jsonl first)
file(READ ${WORK}/l2.jsonl second)
must_be("the same seed" "${second}" "${first}")
must_run("another seed" synthesize --templify --in ${WORK}/many.jsonl --shots 2 --seed 7 --out ${WORK}/l2.jsonl)
file(READ ${WORK}/l2.jsonl second)
if(first STREQUAL second OR NOT first MATCHES "\"kind\":\"classic\"" OR NOT first MATCHES "Text 0\\.")
  message(FATAL_ERROR "texts of another seed are the same, or are no texts")
endif()

# ---- mix: shares, and a mixture that stops is gone on with ------------------------------------------------------
set(a)
set(b)
foreach(i RANGE 29)
  string(APPEND a "{\"id\":\"a${i}\",\"ids\":[1,2],\"labels\":[-100,2]}\n")
  string(APPEND b "{\"id\":\"b${i}\",\"ids\":[1,2,3,4,5,6],\"labels\":[1,2,3,4,5,6]}\n")
endforeach()
file(WRITE ${WORK}/a.jsonl "${a}")
file(WRITE ${WORK}/b.jsonl "${b}")
must_run("rows" mix --in ${WORK}/a.jsonl:3 --in ${WORK}/b.jsonl:1 --rows 8 --out ${WORK}/x.jsonl)
file(STRINGS ${WORK}/x.jsonl lines)
list(TRANSFORM lines REPLACE ".*\"id\":\"(.).*" "\\1")
must_be("rows 3 to 1" "${lines}" "a;a;b;a;a;a;b;a")
must_run("tokens" mix --in ${WORK}/a.jsonl --in ${WORK}/b.jsonl --unit tokens --stop budget_reached --budget 96 --out ${WORK}/x.jsonl --json ${WORK}/x.json)
balanced(x.json)
counted(48 x.json 0 "tokens so far")
counted(48 x.json 1 "tokens so far")
foreach(choice deficit random)
  set(how --in ${WORK}/a.jsonl:2 --in ${WORK}/b.jsonl:1 --unit trained --choice ${choice} --stop budget_reached --budget 300 --shuffle --seed 5)
  must_run("whole" mix ${how} --out ${WORK}/whole.jsonl)
  file(REMOVE ${WORK}/state)
  set(parts)
  foreach(part RANGE 40)
    must_run("part" mix ${how} --rows 7 --state ${WORK}/state --out ${WORK}/part.jsonl)
    file(READ ${WORK}/part.jsonl text)
    string(APPEND parts "${text}")
  endforeach()
  file(READ ${WORK}/whole.jsonl whole)
  must_be("${choice}, in parts" "${parts}" "${whole}")
endforeach()

# ---- pack: rows stay whole ------------------------------------------------------------------------------------
set(rows)
set(i 0)
foreach(n 7 5 4 3 2 2 8 1 11)
  string(REPEAT "${i}," ${n} ids)
  string(REGEX REPLACE ",$" "" ids "${ids}")
  string(APPEND rows "{\"id\":\"${i}\",\"ids\":[${ids}]}\n")
  math(EXPR i "${i} + 1")
endforeach()
file(WRITE ${WORK}/lengths.jsonl "${rows}{\"id\":\"none\"}\n")
must_run("pack" pack --in ${WORK}/lengths.jsonl --capacity 10 --out ${WORK}/k.jsonl --json ${WORK}/k.json)
balanced(k.json)
counted(1 k.json 0 lost no_tokens)
counted(1 k.json 1 lost too_long)
counted(4 k.json 1 "packed rows")
file(STRINGS ${WORK}/k.jsonl lines)
set(bins)
foreach(line IN LISTS lines)
  string(REGEX MATCH "\"samples\":\\[([^]]*)\\]" _ "${line}")
  string(REPLACE "\"" "" samples "${CMAKE_MATCH_1}")
  string(APPEND bins "{${samples}}")
endforeach()
must_be("the bins" "${bins}" "{6,4}{0,3}{1,2,7}{5}")
if(NOT lines MATCHES "\"cu_seqlens\":.0,7,10.,\"position_ids\":.0,1,2,3,4,5,6,0,1,2.")
  message(FATAL_ERROR "cumulative lengths or positions are wrong:\n${lines}")
endif()
foreach(split none too_long anywhere)
  must_run("pack" pack --in ${WORK}/lengths.jsonl --capacity 10 --window 2 --split ${split} --out ${WORK}/k.jsonl --json ${WORK}/k.json)
  balanced(k.json)
  file(READ ${WORK}/k.jsonl text)
  set(i 0)
  foreach(n 7 5 4 3 2 2 8 1 11)  # every token is there once
    string(REGEX MATCHALL "\"ids\":[^]]*" all "${text}")
    string(REPLACE "[" "," all "${all}")  # which lists take for a bracket of theirs
    string(REGEX MATCHALL ",${i}" found "${all}")
    list(LENGTH found count)
    if(n GREATER 10 AND split STREQUAL none)
      set(n 0)
    endif()
    must_be("tokens of row ${i}, ${split}" "${count}" "${n}")
    math(EXPR i "${i} + 1")
  endforeach()
endforeach()

# ---- failure: one line, no crash, no half file ----------------------------------------------------------------
function(must_fail expected_status expected)
  execute_process(COMMAND ${PROGRAM} ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE said ERROR_VARIABLE complained TIMEOUT 60)
  string(REGEX MATCHALL "\n" newlines "${complained}")
  list(LENGTH newlines count)
  if(NOT status EQUAL expected_status OR said OR NOT complained MATCHES "${expected}" OR count GREATER 2)
    message(FATAL_ERROR "${ARGN}: status ${status}, expected ${expected_status} and one line with \"${expected}\", got\n"
                        "${said}${complained}")
  endif()
endfunction()
must_fail(1 "bad.jsonl: .*line 2" build --in ${WORK}/bad.jsonl --target sw --strict --out ${WORK}/strict.jsonl)
file(GLOB left ${WORK}/strict.jsonl*)
if(left)
  message(FATAL_ERROR "a program that failed left ${left}")
endif()
must_fail(1 "none.jsonl: cannot be opened" build --in ${WORK}/none.jsonl --target sw)
must_fail(1 "target xx has no headers" build --in ${QUADS} --target xx)
must_fail(1 "no place for a system" build --in ${QUADS} --target sw --style gemma --system x)
must_fail(1 "--system: nobody" build --in ${QUADS} --target sw --system "{nobody}")
must_fail(1 "--end nothing" build --in ${QUADS} --target sw --tokenizer ${MODELS}/main --end "nothing at all")
must_fail(1 "cannot be written" build --in ${QUADS} --target sw --out ${WORK}/no/such/folder)
must_fail(2 "--method" build --in ${QUADS} --target sw --method magic)
must_fail(2 "--target is required" build --in ${QUADS})
must_fail(2 "--stream" parse --style pairs --stream)
must_fail(1 "none.jsonl: cannot be opened" mix --in ${WORK}/none.jsonl)
must_fail(1 "the mixture is not what it was" mix --in ${WORK}/a.jsonl:9 --in ${WORK}/b.jsonl --state ${WORK}/state)
file(WRITE ${WORK}/state "{\"settings\": 1}")
must_fail(1 "state: is of another kind" mix --in ${WORK}/a.jsonl --state ${WORK}/state)
must_fail(1 "no_tokens" pack --in ${WORK}/lengths.jsonl --capacity 10 --window 1 --strict)
must_fail(2 "--capacity" pack --in ${WORK}/lengths.jsonl)
must_fail(2 "anywhere needs --window" pack --in ${WORK}/lengths.jsonl --capacity 10 --split anywhere)
must_fail(2 "--round" synthesize --in ${WORK}/round.jsonl --rounds 2 --round 2)
must_fail(2 "--answers" synthesize --in ${WORK}/round.jsonl --collect)
must_fail(2 "exclude|excludes|another job" synthesize --in ${WORK}/round.jsonl --templify --rounds 2)
